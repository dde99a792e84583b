// SPDX-License-Identifier: MIT
// umh-explain: says what keeps a load context of another process, a line each.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using Microsoft.Diagnostics.Runtime;

namespace UniversalModuleHost.Explain;

internal static class Program
{
    private const string Usage =
        "usage: umh-explain PID RUNTIME_FOLDER CONTEXT_ID METHOD_TABLE; a host runs it";

    private const int Done = 0;
    private const int Failed = 1;
    private const long CacheBytes = 256L * 1024 * 1024;

    private static int Main(string[] arguments)
    {
        if (arguments.Length != 4)
        {
            Console.Error.WriteLine(Usage);
            return Failed;
        }
        try
        {
            Explain(arguments);
            return Done;
        }
        catch (Exception exception)
        {
            Console.Error.WriteLine(exception.Message);
            return Failed;
        }
    }

    private static void Explain(string[] arguments)
    {
        int pid = int.Parse(arguments[0], CultureInfo.InvariantCulture);
        long id = long.Parse(arguments[2], CultureInfo.InvariantCulture);
        ulong methodTable = ulong.Parse(arguments[3], CultureInfo.InvariantCulture);
        string dac = Path.Combine(
            arguments[1],
            OperatingSystem.IsWindows() ? "mscordaccore.dll" : "libmscordaccore.so");

        Stopwatch taken = Stopwatch.StartNew();
        using Stream stream = Dump.Write(pid);
        TimeSpan writing = taken.Elapsed;
        using DataTarget target = DataTarget.LoadDump(
            "host",
            stream,
            leaveOpen: false,
            new DataTargetOptions
            {
                CacheOptions = new CacheOptions { MaxDumpCacheSize = CacheBytes },
                FileLocator = new LocalFiles(),
            });
        using ClrRuntime runtime = target.ClrVersions[0].CreateRuntime(dac, ignoreMismatch: true);
        List<string> lines = new Holders(runtime, new Context(runtime, id, methodTable)).Describe();
        foreach (string line in lines)
            Console.WriteLine(line);
        if (lines.Count == 0)
            Console.WriteLine("nothing holds it any more: it goes with the next collection");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"(the process stood still for at most {writing.TotalSeconds:F1} s; "
            + $"{stream.Length / 1048576.0:F0} MiB read in {taken.Elapsed.TotalSeconds:F1} s)"));
    }
}
