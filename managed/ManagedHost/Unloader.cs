// SPDX-License-Identifier: MIT
// Proof that a context has gone: its weak reference dies, or something is named that holds it.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Threading;

namespace UniversalModuleHost.Hosting;

/// <summary>One context that was asked to unload, and what its host wants to know of it.</summary>
internal sealed class Unloading
{
    public required WeakReference Context { get; init; }

    public bool WantsExplanation { get; init; }

    /// <summary>It has gone after all, later.</summary>
    public Action? OnGone { get; init; }

    /// <summary>Of one that is still there, where that was wanted: a line for each holder.</summary>
    public IReadOnlyList<string> Explanation { get; set; } = [];
}

/// <summary>Tells the process that what it was told is left over has gone.</summary>
internal sealed unsafe class GoneCall(NativeHost* host)
{
    public void Call() => Border.Start->Gone(host);
}

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
    public static string? WaitForEnd(Unloading unloading)
    {
        WeakReference context = unloading.Context;
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
                return NameHolders(unloading);
            Thread.Sleep(pause);
        }
    }

    private static string? NameHolders(Unloading unloading)
    {
        string names = Holders.Name(unloading.Context) ?? Unknown;
        if (unloading.WantsExplanation)
            unloading.Explanation = Explainer.Explain(unloading.Context, names);

        // That took a while.
        Collect();
        if (!unloading.Context.IsAlive)
            return null;
        KeptContexts.WatchUnloaded(unloading.Context, unloading.OnGone);
        return names;
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
