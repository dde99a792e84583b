// SPDX-License-Identifier: MIT
// What a module does to the standard streams, which its process uses as well.
using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;

namespace Rogue;

internal static unsafe class Streams
{
    private static volatile bool s_isFlooding;

    public static Func<string, string?>? Find(string verb) => verb switch
    {
        "read" => _ => Read(),
        "flood" => Flood,
        "flood-begin" => FloodBeside,
        "flood-end" => _ => FloodEnd(),
        "print" => Print,
        "print-stream" => PrintToStream,
        "print-native" => PrintNative,
        "print-half" => PrintHalf,
        "close" => Close,
        "set-out" => _ => SetOut(),
        "hold-out" => _ => HoldOut(),
        _ => null,
    };

    private static string Read()
    {
        string line = Console.ReadLine() ?? "null";
        int character = Console.Read();
        return $"{line} {character} {Console.In.ReadToEnd().Length} {Key()}";
    }

    private static string Key()
    {
        try
        {
            return $"{Console.ReadKey().KeyChar}";
        }
        catch (InvalidOperationException)
        {
            return "no key";
        }
    }

    private static string Flood(string lines)
    {
        int count = int.Parse(lines, CultureInfo.InvariantCulture);
        for (int i = 0; i < count; i++)
            Console.WriteLine("flood {0}", i);
        return "flooded";
    }

    /// <summary>Until it is told to end, on a thread of its own.</summary>
    private static string FloodBeside(string text)
    {
        s_isFlooding = true;
        new Thread(() =>
        {
            while (s_isFlooding)
                Console.WriteLine(text);
        }).Start();
        return "begun";
    }

    private static string FloodEnd()
    {
        s_isFlooding = false;
        return "ended";
    }

    private static string Print(string text)
    {
        Console.WriteLine(text);
        Console.Error.WriteLine($"{text}, to the other");
        return "printed";
    }

    private static string PrintHalf(string text)
    {
        Console.Write(text);
        return "printed";
    }

    private static string PrintToStream(string text)
    {
        using StreamWriter writer = new(Console.OpenStandardOutput());
        writer.WriteLine(text);
        return "printed";
    }

    private static string PrintNative(string text)
    {
        foreach (byte[] line in new[] { "standard output: ", "standard error: " }
            .Select(head => System.Text.Encoding.UTF8.GetBytes($"{head}{text}\n")))
        {
            fixed (byte* bytes = line)
                write(line[9] == 'o' ? 1 : 2, bytes, (nuint)line.Length);
        }
        return "printed";
    }

    /// <summary>Descriptors that are not the module's.</summary>
    private static string Close(string descriptors)
    {
        foreach (string one in descriptors.Split(' '))
            close(int.Parse(one, CultureInfo.InvariantCulture));
        return "closed";
    }

    private static string SetOut()
    {
        Console.SetOut(new Silence());
        return "set";
    }

    private static string HoldOut()
    {
        using ManualResetEventSlim isHeld = new();
        new Thread(() =>
        {
            lock (Console.Out)
            {
                isHeld.Set();
                Endings.Block();
            }
        }).Start();
        isHeld.Wait();
        return "held";
    }

    [DllImport("libc")]
    private static extern nint write(int descriptor, byte* bytes, nuint count);

    [DllImport("libc")]
    private static extern int close(int descriptor);

    private sealed class Silence : StringWriter;
}
