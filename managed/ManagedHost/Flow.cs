// SPDX-License-Identifier: MIT
// Whose code runs here: follows a module's calls through threads and awaits.
using System;
using System.Threading;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// One call into a module, or what it left running. It goes with the ExecutionContext, so it is
/// found behind an await on any thread; it does not hold the module's own objects.
/// </summary>
internal sealed class Flow(ModuleHost host)
{
    private static readonly AsyncLocal<Flow?> s_current = new();

    private volatile bool _isHandling;

    public ModuleHost Host { get; } = host;

    /// <summary>The call has not completed: what flows from it is inside it.</summary>
    public bool IsHandling
    {
        get => _isHandling;
        set => _isHandling = value;
    }

    /// <summary>The host of a program, whose code runs wherever no other does; else null.</summary>
    public static ModuleHost? Program { get; set; }

    /// <summary>The module whose code runs on this thread, if any.</summary>
    public static ModuleHost? CurrentHost =>
        CallingThread.Mine.Called ?? s_current.Value?.Host ?? Program;

    /// <summary>
    /// In a callback of <paramref name="host"/>, on its thread or behind an await of its handler.
    /// So is all of a program that is to stop: what it still says is its OnStop.
    /// </summary>
    public static bool IsInside(ModuleHost host) =>
        CallingThread.Mine.Called == host
        || (s_current.Value is { IsHandling: true } flow && flow.Host == host)
        || (ReferenceEquals(Program, host) && host.Stopping.IsCancellationRequested);

    /// <summary>From here to the end of the enclosing ExecutionContext.Run.</summary>
    public void Begin() => s_current.Value = this;

    /// <summary>A context with nothing in it but this flow, to run calls in.</summary>
    public ExecutionContext Capture()
    {
        Flow? before = s_current.Value;
        s_current.Value = this;
        try
        {
            return ExecutionContext.Capture()
                ?? throw new InvalidOperationException("The flow of the context is suppressed.");
        }
        finally
        {
            s_current.Value = before;
        }
    }
}
