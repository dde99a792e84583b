// SPDX-License-Identifier: MIT
// Proof that a context has gone: its weak reference dies, or something is named that holds it.
using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Threading;

namespace UniversalModuleHost.Hosting;

internal static class Unloader
{
    /// <summary>
    /// Some holders let go only after a while: it is waited by time, not by a number of
    /// collections.
    /// </summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Also how often the runtime's caches are swept: the first collections may have filled them
    /// again.
    /// </summary>
    private static readonly TimeSpan s_sweepEvery = TimeSpan.FromMilliseconds(500);

    private const int PauseMaxMs = 64;

    private const string Unknown =
        "its load context is still referenced after 2 s: a thread of its own, a GCHandle or a "
        + "static of the host holds it";

    /// <summary>Null: it has gone. Else what holds it, for people.</summary>
    public static string? WaitForEnd(WeakReference context)
    {
        Stopwatch waited = Stopwatch.StartNew();
        TimeSpan nextSweep = TimeSpan.Zero;

        // Most modules leave no trace; the sweep is for those that are still there after one
        // collection.
        for (int pause = 0; ; pause = Math.Min(PauseMaxMs, Math.Max(1, pause * 2)))
        {
            Collect();
            if (!context.IsAlive)
                return null;
            if (waited.Elapsed >= nextSweep)
            {
                SweepFor(context);
                nextSweep = waited.Elapsed + s_sweepEvery;
                continue;
            }
            if (waited.Elapsed >= s_patience)
            {
                KeptContexts.WatchUnloaded(context);
                return Holders.Name(context) ?? Unknown;
            }
            Thread.Sleep(pause);
        }
    }

    public static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void SweepFor(WeakReference context)
    {
        if (context.Target is AssemblyLoadContext target)
            Sweep.Run(target);
    }
}
