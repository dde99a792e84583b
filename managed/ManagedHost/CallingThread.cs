// SPDX-License-Identifier: MIT
// A thread that the host calls modules on, or that calls functions of the host.
using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// What a message has to know of its thread, found by one look at what is the thread's own: each
/// costs as much as a virtual call. Used by its thread only, but for <see cref="WaitUntilUnused"/>.
/// </summary>
internal sealed class CallingThread
{
    /// <summary>
    /// Calls until a thread is worth the methods that have to be compiled for the short way.
    /// </summary>
    private const int CallsToKnow = 64;

    private static readonly Lock s_lock = new();
    private static readonly List<WeakReference> s_all = [];

    [ThreadStatic]
    private static CallingThread? s_current;

    private volatile ModuleHost? _used;
    private Thread? _thread;
    private ExecutionContext? _default;
    private int _callCount;

    /// <summary>Of this thread.</summary>
    public static CallingThread Mine
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_current ?? Make();
    }

    /// <summary>The module that the host called on this thread, during that call.</summary>
    public ModuleHost? Called { get; set; }

    /// <summary>
    /// The module through whose table this thread calls, during that. Whoever sets it looks
    /// afterwards whether he may call: see <see cref="WaitUntilUnused"/>.
    /// </summary>
    public ModuleHost? Used
    {
        set => _used = value;
    }

    /// <summary>
    /// The thread is in no call, and in the default context: <see cref="Begin"/> may be used.
    /// </summary>
    public bool IsIdle
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _thread is { } thread && Called is null && ContextOf(thread) is null;
    }

    /// <summary>
    /// Returns when no thread calls through the table of a module any more, which was closed for
    /// all that would begin to.
    /// </summary>
    public static void WaitUntilUnused(ModuleHost host)
    {
        SpinWait spin = default;

        // In place of a barrier in each send: a thread that came before it is seen to use the
        // table, one that comes after it sees that it is closed.
        Interlocked.MemoryBarrierProcessWide();
        while (IsUsed(host))
            spin.SpinOnce();
    }

    /// <summary>What ExecutionContext.Run does, for a thread that is idle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Begin(ModuleHost host, ExecutionContext flow)
    {
        Called = host;
        ContextOf(_thread!) = flow;
    }

    /// <summary>Whatever the call has left in its context goes with it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void End(ExecutionContext flow)
    {
        if (ContextOf(_thread!) == flow && SynchronizationOf(_thread!) is null)
            ContextOf(_thread!) = null;
        else
            Restore();
        Called = null;
    }

    /// <summary>A call has come the long way: the next ones may come by the short one.</summary>
    public void Count()
    {
        if (_callCount < CallsToKnow && ++_callCount == CallsToKnow)
            Know();
    }

    private static bool IsUsed(ModuleHost host)
    {
        lock (s_lock)
        {
            foreach (WeakReference one in s_all)
            {
                if (one.Target is CallingThread thread && thread._used == host)
                    return true;
            }
        }
        return false;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static CallingThread Make()
    {
        CallingThread made = new();
        lock (s_lock)
        {
            s_all.RemoveAll(static one => !one.IsAlive);
            s_all.Add(new WeakReference(made));
        }
        return s_current = made;
    }

    /// <summary>
    /// A runtime whose threads look different keeps to the long way, and so does a thread that has
    /// a context of its own.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Know()
    {
        try
        {
            Thread thread = Thread.CurrentThread;
            if (ContextOf(thread) is not null || SynchronizationOf(thread) is not null)
                return;
            _default = ExecutionContext.Capture();
            _thread = thread;
        }
        catch (MissingFieldException)
        {
            _thread = null;
        }
    }

    /// <summary>With all that hangs on a change of the context: cultures, for example.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Restore()
    {
        ExecutionContext.Restore(_default!);
        SynchronizationContext.SetSynchronizationContext(null);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_executionContext")]
    private static extern ref ExecutionContext? ContextOf(Thread thread);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_synchronizationContext")]
    private static extern ref SynchronizationContext? SynchronizationOf(Thread thread);
}
