// SPDX-License-Identifier: MIT
// Contexts whose end could not be proved: if they go later after all, that is said.
using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Threading;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// The process is about to be replaced, which may take as long as its other modules need to stop.
/// </summary>
internal sealed class KeptContexts
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(1);

    /// <summary>Each look is a collection; they become rarer.</summary>
    private static readonly TimeSpan s_rarest = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_once = Timeout.InfiniteTimeSpan;

    private readonly WeakReference _context;
    private readonly string? _name;
    private readonly long _since = Stopwatch.GetTimestamp();
    private readonly Timer _timer;
    private TimeSpan _pause = s_first;

    private KeptContexts(WeakReference context)
    {
        _context = context;
        _name = NameOf(context);
        _timer = new Timer(static self => ((KeptContexts)self!).Look(), this, s_first, s_once);
    }

    public static void Watch(WeakReference context) => _ = new KeptContexts(context);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string? NameOf(WeakReference context) =>
        (context.Target as AssemblyLoadContext)?.Name;

    private void Look()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (!_context.IsAlive)
        {
            double seconds = Stopwatch.GetElapsedTime(_since).TotalSeconds;
            string text = $"has gone after all, {seconds:F0} s after it could not be unloaded";
            HostLog.Write(LogLevel.Information, _name, text);
            _timer.Dispose();
            return;
        }
        _pause = _pause < s_rarest ? _pause * 2 : s_rarest;
        _timer.Change(_pause, s_once);
    }
}
