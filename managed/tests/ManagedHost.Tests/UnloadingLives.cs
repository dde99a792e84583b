// SPDX-License-Identifier: MIT
// Loads, starts, stops and unloads a module some times, and sees which of its contexts end when.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;

namespace UniversalModuleHost.Hosting.Tests;

/// <param name="Outcome">As the document has it.</param>
/// <param name="Holder">What was named, of a module that stayed.</param>
internal sealed record UnloadingResult(string Outcome, string Holder = "");

internal static class UnloadingLives
{
    public const string AsIs = "as is";
    public const string AfterSweep = "after the sweep";
    public const string ByReplacement = "by replacement";

    private const int LifeCount = 10;

    /// <summary>At least, and at least so many collections: the machine may be loaded.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(600);

    private static readonly TimeSpan s_sweptPatience = TimeSpan.FromSeconds(1.2);

    private const int CollectionCount = 12;

    public static UnloadingResult Measure(string module, string config)
    {
        List<WeakReference> contexts = [];
        for (int i = 0; i < LifeCount; i++)
            contexts.Add(LifeOf(module, config));
        if (AreGone(contexts, s_patience))
            return new UnloadingResult(AsIs);
        Stopwatch waited = Stopwatch.StartNew();
        do
        {
            contexts.ForEach(Unloader.SweepFor);
            if (AreGone(contexts, s_patience))
                return new UnloadingResult(AfterSweep);
        }
        while (waited.Elapsed < s_sweptPatience);
        WeakReference held = contexts.First(context => context.IsAlive);
        return new UnloadingResult(ByReplacement, Holders.Name(held) ?? string.Empty);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference LifeOf(string name, string config)
    {
        using FakeHost fake = new(config);
        ModuleHost host = fake.NewModuleHost();
        ManagedModule module = ModuleLoader.Load(host, FakeHost.ModulePath(name), out _);
        module.Start();
        module.Stop(isReload: false);
        return module.Release();
    }

    private static bool AreGone(List<WeakReference> contexts, TimeSpan patience)
    {
        Stopwatch waited = Stopwatch.StartNew();
        for (int i = 0; i < CollectionCount || waited.Elapsed < patience; i++)
        {
            // A thread of the pool may remember its last task until it has another.
            for (int thread = 0; thread < ThreadPool.ThreadCount; thread++)
                ThreadPool.UnsafeQueueUserWorkItem(static _ => { }, null);
            Unloader.Collect();
            if (!contexts.Exists(context => context.IsAlive))
                return true;
            Thread.Sleep(Math.Min(i, 50));
        }
        return false;
    }
}
