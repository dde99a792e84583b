// SPDX-License-Identifier: MIT
// Ways in which a module ends its process, or keeps it from going on.
using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Rogue;

internal static class Endings
{
    private static readonly ManualResetEventSlim s_never = new();
    private static readonly object s_first = new();
    private static readonly object s_second = new();

    /// <summary>What gives no answer returns null.</summary>
    public static Func<string, string?>? Find(string verb) => verb switch
    {
        "exit" => Exit,
        "exit-pool" => code => OnPool(() => Exit(code)),
        "exit-thread" => code => OnThread(() => Exit(code)),
        "exit-stuck" => ExitStuck,
        "fail-fast" => Fail,
        "fail-fast-pool" => text => OnPool(() => Fail(text)),
        "overflow-thread" => _ => OnThread(() => Overflow(1)),
        "access" => _ => Touch(),
        "throw" => text => throw new InvalidDataException(text),
        "throw-huge" => size => throw new InvalidDataException(HostileException.Huge(size)),
        "throw-hostile" => _ => throw new HostileException(),
        "pool" => text => OnPool(() => throw new InvalidDataException(text)),
        "pool-huge" => size =>
            OnPool(() => throw new InvalidDataException(HostileException.Huge(size))),
        "pool-hostile" => _ => OnPool(() => throw new HostileException()),
        "pool-unsafe" => OnPoolWithoutFlow,
        "thread-unsafe" => OnThreadWithoutFlow,
        "async-void" => ThrowLater,
        "timer" => ThrowOnTimer,
        "finalizer" => ThrowInFinalizer,
        "forget" => Forget,
        "deadlock" => _ => Deadlock(),
        "wait" => _ => WaitForOneself(),
        "child" => StartChild,
        _ => null,
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Block() => s_never.Wait(); // for ever: that it is ended is what is tested

    /// <summary>A thread that outlives its module, until the file is there.</summary>
    public static void ThrowOnceGone(string gate) => new Thread(() =>
    {
        while (!File.Exists(gate))
            Thread.Sleep(5); // looks again and again: nothing of the process tells it
        throw new InvalidDataException("thrown by what was left behind");
    }).Start();

    private static string? Exit(string code)
    {
        Environment.Exit(int.Parse(code, CultureInfo.InvariantCulture));
        return null;
    }

    private static string? ExitStuck(string code)
    {
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Block();
        return OnPool(() => Exit(code));
    }

    private static string? Fail(string text)
    {
        Environment.FailFast(text);
        return null;
    }

    private static int Overflow(int depth) => depth == 0 ? 0 : Overflow(depth + 1) + depth;

    private static string? Touch()
    {
        Marshal.WriteByte((nint)0x7fff_ffff_0000, 1);
        return null;
    }

    private static string OnPool(Action call)
    {
        ThreadPool.QueueUserWorkItem(_ => call());
        return "begun";
    }

    private static string OnThread(Action call)
    {
        new Thread(() => call()).Start();
        return "begun";
    }

    private static string? OnPoolWithoutFlow(string text)
    {
        // Thrown by code of the runtime: only what is beneath it is of the module.
        ThreadPool.UnsafeQueueUserWorkItem(_ => int.Parse(text, null), null);
        return "begun";
    }

    private static string? OnThreadWithoutFlow(string text)
    {
        new Thread(() => throw new InvalidDataException(text)).UnsafeStart();
        return "begun";
    }

    private static string? ThrowLater(string text)
    {
        Later(text);
        return "begun";
    }

    private static async void Later(string text)
    {
        await Task.Yield();
        throw new InvalidDataException(text);
    }

    private static string? ThrowOnTimer(string text)
    {
        new Timer(_ => throw new InvalidDataException(text)).Change(1, Timeout.Infinite);
        return "begun";
    }

    private static string? ThrowInFinalizer(string text)
    {
        Make(text);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return null;

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Make(string text) => GC.KeepAlive(new Dying(text));
    }

    /// <summary>A task that fails, and of which nobody hears.</summary>
    private static string Forget(string text)
    {
        Start(text);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return "forgotten";

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Start(string text)
        {
            Task failed = Task.Run(() => throw new InvalidDataException(text));
            ((IAsyncResult)failed).AsyncWaitHandle.WaitOne();
        }
    }

    private static string? Deadlock()
    {
        using Barrier both = new(2);
        new Thread(() => TakeBoth(s_second, s_first)).Start();
        TakeBoth(s_first, s_second);
        return null;

        void TakeBoth(object one, object other)
        {
            lock (one)
            {
                both.SignalAndWait();
                lock (other)
                    return;
            }
        }
    }

    /// <summary>What completes in its own callback only, waited for in that.</summary>
    private static string? WaitForOneself()
    {
        TaskCompletionSource answered = new();
        answered.Task.Wait();
        return null;
    }

    private static string StartChild(string command)
    {
        string[] words = command.Split('|');
        using Process child = Process.Start(words[0], words[1..]);
        return $"{child.Id}";
    }

    private sealed class Dying(string text)
    {
        ~Dying() => throw new InvalidDataException(text);
    }
}
