// SPDX-License-Identifier: MIT
// Where a program finds the host that runs it.
using System;
using System.Threading;

namespace UniversalModuleHost;

/// <summary>
/// The host of a module that is a program: an assembly marked EXE in a host with
/// <c>"Ui": true</c>, whose <c>Main</c> has the process's main thread. A class library derives from
/// <see cref="Module"/> instead, whose host is given to it.
/// </summary>
/// <remarks>
/// The host is there before <c>Main</c> begins. A program counts as started when it has subscribed
/// to what it wants, so do that before the window's loop begins. Handlers are called on a thread of
/// the host, never beside each other; a toolkit's own way leads from there to its loop.
/// <see cref="IModuleHost.Stopping"/> is cancelled once the program is to end and its handlers have
/// had all messages that came before: <c>Main</c> returns then, within the host's <c>StopMs</c>. A
/// <c>Main</c> that returns by itself ends the host.
/// </remarks>
/// <example>
/// <code>
/// IModuleHost host = ModuleHost.Current;
/// host.SubscribeAsync(readings, Json.Default.Reading, (reading, _) => window.PostAsync(reading))
///     .AsTask().Wait();
/// using var stop = host.Stopping.Register(window.PostClose);
/// return window.Run();
/// </code>
/// </example>
public static class ModuleHost
{
    private static IModuleHost? s_current;

    /// <summary>The host that runs this program.</summary>
    /// <exception cref="InvalidOperationException">The program was started by hand.</exception>
    public static IModuleHost Current =>
        s_current ?? throw new InvalidOperationException(
            "No Universal Module Host runs this program. Name it under Modules of a host with "
            + "\"Ui\": true in broker.json, and start it with `umh run`.");

    /// <summary>A host runs this program; false: it was started by hand.</summary>
    public static bool IsPresent => s_current is not null;

    /// <summary>By the host, once, before <c>Main</c>.</summary>
    internal static void Attach(IModuleHost host)
    {
        if (Interlocked.CompareExchange(ref s_current, host, null) is not null)
            throw new InvalidOperationException("The program has a host already.");
    }
}
