// SPDX-License-Identifier: MIT
// Names the timers and delays that hold a context: the most frequent reason why one stays.
using System;
using System.Collections.Generic;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Threading;
using System.Threading.Tasks;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// Reads private fields as they are in .NET 10.0; finds nothing where they are others.
/// </summary>
internal static class Holders
{
    private const BindingFlags All =
        BindingFlags.Static | BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    private const int NamedMax = 4;
    private const int DepthMax = 8;

    /// <summary>Null: nothing was found.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static string? Name(WeakReference context)
    {
        if (context.Target is not AssemblyLoadContext target)
            return null;
        List<string> names = [];
        try
        {
            Mine mine = new(target);
            foreach (object timer in Timers())
            {
                if (names.Count < NamedMax && Describe(mine, timer) is { } name)
                    names.Add(name);
            }
        }
        catch (Exception exception)
        {
            names.Add($"unknown ({exception.GetType().Name} while looking for timers)");
        }
        return names.Count == 0 ? null : "held by " + string.Join("; ", names);
    }

    private static List<object> Timers()
    {
        List<object> timers = [];
        Type? queueType = typeof(Timer).Assembly.GetType("System.Threading.TimerQueue");
        if (queueType?.GetProperty("Instances", All)?.GetValue(null) is not Array queues)
            return timers;
        foreach (object queue in queues)
        {
            // The runtime changes its lists under this lock.
            object? guard = queueType.GetProperty("SharedLock", All)?.GetValue(queue) ?? queue;
            (guard as Lock)?.Enter();
            try
            {
                foreach (string list in new[] { "_shortTimers", "_longTimers" })
                {
                    object? timer = Get(queue, list);
                    for (; timer is not null; timer = Get(timer, "_next"))
                        timers.Add(timer);
                }
            }
            finally
            {
                (guard as Lock)?.Exit();
            }
        }
        return timers;
    }

    private static string? Describe(Mine mine, object timer)
    {
        object? callback = Get(timer, "_timerCallback");
        object? state = Get(timer, "_state");
        if (state is Task delay)
            return Waiter(mine, delay, 0) is { } waiter ? $"a delay that {waiter} waits for" : null;
        if (!mine.Is(callback) && !mine.Is(state))
            return null;
        Delegate? call = (mine.Is(callback) ? callback : state) as Delegate;
        string period = Get(timer, "_period") is uint milliseconds and not uint.MaxValue
            ? $" every {milliseconds} ms"
            : string.Empty;
        return $"a running timer: {Readable(call?.Method) ?? state?.GetType().FullName}{period}";
    }

    /// <summary>The method of the module that goes on when a task has completed.</summary>
    private static string? Waiter(Mine mine, object? waiting, int depth)
    {
        if (waiting is null || depth > DepthMax)
            return null;
        if (waiting is Delegate call)
            return mine.Is(call) ? Readable(call.Method) : Waiter(mine, call.Target, depth + 1);
        if (waiting is IEnumerable<object?> several)
        {
            foreach (object? one in several)
            {
                if (Waiter(mine, one, depth + 1) is { } found)
                    return found;
            }
            return null;
        }
        if (Get(waiting, "StateMachine") is { } machine && mine.Is(machine))
            return Readable(machine.GetType().GetMethod("MoveNext", All));
        object? next = Get(waiting, "m_continuationObject") ?? Get(waiting, "m_action");
        return Waiter(mine, next, depth + 1);
    }

    /// <summary>
    /// "Alerts.Poll" for what the compiler calls "Alerts+&lt;Poll&gt;d__3.MoveNext".
    /// </summary>
    private static string? Readable(MethodInfo? method)
    {
        if (method is null)
            return null;
        Type? type = method.DeclaringType;
        string name = method.Name;
        foreach (string made in new[] { method.Name, type?.Name ?? string.Empty })
        {
            int end = made.IndexOf('>');
            if (made.StartsWith('<') && end > 1)
            {
                name = made[1..end];
                break;
            }
        }
        while (type is { Name: ['<', ..], DeclaringType: { } outer })
            type = outer;
        return $"{type?.FullName}.{name}";
    }

    private static object? Get(object thing, string field)
    {
        for (Type? type = thing.GetType(); type is not null; type = type.BaseType)
        {
            if (type.GetField(field, All | BindingFlags.DeclaredOnly) is { } found)
                return found.GetValue(thing);
        }
        return null;
    }
}
