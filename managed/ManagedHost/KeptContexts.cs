// SPDX-License-Identifier: MIT
// Contexts whose end nobody waits for: swept and collected now and then, until they go.
using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Threading;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// Of a module that could not be unloaded, whose process is replaced as soon as its other modules
/// have stopped, or goes on with what is left over; or of one that could not be loaded.
/// </summary>
internal sealed class KeptContexts
{
    private const int CollectionsPerLook = 3;

    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(1);

    /// <summary>Each look costs collections; they become rarer.</summary>
    private static readonly TimeSpan s_rarest = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_once = Timeout.InfiniteTimeSpan;

    private readonly WeakReference _context;
    private readonly string? _name;
    private readonly LogLevel _level;
    private readonly string _after;
    private readonly Action? _onGone;
    private readonly long _since = Stopwatch.GetTimestamp();
    private readonly Timer _timer;
    private TimeSpan _pause = s_first;

    private KeptContexts(WeakReference context, LogLevel level, string after, Action? onGone)
    {
        _context = context;
        _level = level;
        _after = after;
        _onGone = onGone;
        _name = NameOf(context);
        _timer = new Timer(static self => ((KeptContexts)self!).Look(), this, s_first, s_once);
    }

    /// <param name="context">Asked to unload.</param>
    /// <param name="onGone">Called once, on a thread of the pool.</param>
    public static void WatchUnloaded(WeakReference context, Action? onGone) =>
        _ = new KeptContexts(context, LogLevel.Information, "it could not be unloaded", onGone);

    public static void WatchUnusable(AssemblyLoadContext context) => _ = new KeptContexts(
        new WeakReference(context, trackResurrection: true),
        LogLevel.Debug,
        "it could not be loaded",
        onGone: null);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string? NameOf(WeakReference context) =>
        context.Target is AssemblyLoadContext target ? HostLog.NameOf(target) : null;

    private void Look()
    {
        Unloader.SweepFor(_context);

        // A first collection runs its finalizers; the next one takes it.
        for (int i = 0; i < CollectionsPerLook && _context.IsAlive; i++)
            Unloader.Collect();
        if (!_context.IsAlive)
        {
            double seconds = Stopwatch.GetElapsedTime(_since).TotalSeconds;
            HostLog.Write(_level, _name, $"has gone after all, {seconds:F0} s after {_after}");
            _timer.Dispose();
            _onGone?.Invoke();
            return;
        }
        _pause = _pause < s_rarest ? _pause * 2 : s_rarest;
        _timer.Change(_pause, s_once);
    }
}
