// SPDX-License-Identifier: MIT
// Names what holds a context: timers, delays, registered waits, handlers of static events.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// Reads private fields as they are in .NET 10.0; finds nothing where they are others.
/// </summary>
internal static class Holders
{
    private const BindingFlags Statics =
        BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public;

    private const BindingFlags All =
        BindingFlags.Static | BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    private const int NamedMax = 4;
    private const int DepthMax = 8;

    private static readonly Func<Mine, IEnumerable<string>>[] s_parts =
        [TimersOf, WaitsOf, DynamicTypesOf, HandlersOf];

    /// <summary>Null: nothing was found.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static string? Name(WeakReference context)
    {
        if (context.Target is not AssemblyLoadContext target)
            return null;
        List<string> names = [];
        foreach (Func<Mine, IEnumerable<string>> part in s_parts)
        {
            try
            {
                names.AddRange(part(new Mine(target)).Take(NamedMax - names.Count));
            }
            catch (Exception exception)
            {
                HostLog.Write(LogLevel.Debug, null, $"what holds {target.Name}: {exception}");
            }
        }
        return names.Count == 0 ? null : "held by " + string.Join("; ", names);
    }

    private static IEnumerable<string> TimersOf(Mine mine) =>
        Timers().Select(timer => Describe(mine, timer)).OfType<string>();

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
        if (state is CancellationTokenSource source)
            return Registered(mine, source) is { } called
                ? $"a CancellationTokenSource with a time, which calls {called}"
                : null;
        if (!mine.Is(callback) && !mine.Is(state))
            return null;
        Delegate? call = (mine.Is(callback) ? callback : state) as Delegate;
        string period = Get(timer, "_period") is uint milliseconds and not uint.MaxValue
            ? $" every {milliseconds} ms"
            : string.Empty;
        return $"a running timer: {Readable(call?.Method) ?? state?.GetType().FullName}{period}";
    }

    private static string? Registered(Mine mine, CancellationTokenSource source)
    {
        object? node = Get(source, "_registrations") is { } all ? Get(all, "Callbacks") : null;
        for (; node is not null; node = Get(node, "Next"))
        {
            Delegate? call = OfMine(mine, Get(node, "CallbackState"))
                ?? OfMine(mine, Get(node, "Callback"));
            if (call is not null)
                return Readable(call.Method);
        }
        return null;
    }

    /// <summary>RegisterWaitForSingleObject: the pool has a thread for each 63 of them.</summary>
    private static IEnumerable<string> WaitsOf(Mine mine)
    {
        object? pool = typeof(Timer).Assembly.GetType("System.Threading.PortableThreadPool")?
            .GetField("ThreadPoolInstance", All)?.GetValue(null);
        object? node = pool is null ? null : Get(pool, "_waitThreadsHead");
        for (; node is not null; node = Get(node, "Next"))
        {
            object? thread = Get(node, "Thread");
            object? waits = thread is null ? null : Get(thread, "_registeredWaits");
            foreach (object? wait in waits as Array ?? Array.Empty<object>())
            {
                if (wait is null || Get(wait, "_callbackHelper") is not { } callback)
                    continue;
                if (OfMine(mine, Get(callback, "_waitOrTimerCallback")) is { } call)
                    yield return $"a wait registered with the pool: {Readable(call.Method)}";
            }
        }
    }

    /// <summary>What the binder of C# has read of the module's types, it keeps.</summary>
    private static IEnumerable<string> DynamicTypesOf(Mine mine)
    {
        Type? symbols = AssemblyLoadContext.Default.Assemblies
            .FirstOrDefault(assembly => assembly.GetName().Name == "Microsoft.CSharp")?
            .GetType("Microsoft.CSharp.RuntimeBinder.SymbolTable");
        foreach (FieldInfo field in symbols?.GetFields(Statics) ?? [])
        {
            foreach (object? item in field.GetValue(null) as IEnumerable ?? Array.Empty<object>())
            {
                Type? type = item as Type ?? (item is null ? null : Get(item, "Type") as Type);
                if (type is not null && mine.Is(type))
                    return [$"dynamic of C#, which keeps {type.FullName}"];
            }
        }
        return [];
    }

    /// <summary>
    /// Of types of the host and the runtime that have static events: an event is a field of its
    /// name, or handlers are the keys of a table.
    /// </summary>
    private static IEnumerable<string> HandlersOf(Mine mine)
    {
        foreach (Assembly assembly in AssemblyLoadContext.Default.Assemblies)
        {
            foreach (Type type in assembly.IsDynamic ? [] : assembly.GetExportedTypes())
            {
                if (type.IsGenericTypeDefinition || !HasStaticEvents(type))
                    continue;
                foreach (FieldInfo field in type.GetFields(Statics))
                {
                    foreach (Delegate call in Handlers(mine, field.GetValue(null)))
                        yield return $"a handler of {type.FullName}: {Readable(call.Method)}";
                }
            }
        }
    }

    private static bool HasStaticEvents(Type type) =>
        type.GetEvents(BindingFlags.Static | BindingFlags.Public).Length > 0;

    private static List<Delegate> Handlers(Mine mine, object? value)
    {
        List<Delegate> found = [];
        object?[] values = value is IDictionary table ? [.. table.Keys.Cast<object>()] : [value];
        foreach (object? one in values)
        {
            if (one is not Delegate all)
                continue;
            found.AddRange(all.GetInvocationList().Where(call => mine.Is(call)));
        }
        return found;
    }

    private static Delegate? OfMine(Mine mine, object? thing) =>
        thing is Delegate call && mine.Is(call) ? call : null;

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

    /// <summary>Or that of a property of the name.</summary>
    private static FieldInfo? FieldOf(Type type, string name) =>
        type.GetField(name, All | BindingFlags.DeclaredOnly)
        ?? type.GetField($"<{name}>k__BackingField", All | BindingFlags.DeclaredOnly);

    private static object? Get(object thing, string field)
    {
        for (Type? type = thing.GetType(); type is not null; type = type.BaseType)
        {
            if (FieldOf(type, field) is { } found)
                return found.GetValue(thing);
        }
        return null;
    }
}
