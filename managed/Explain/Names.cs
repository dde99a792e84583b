// SPDX-License-Identifier: MIT
// Names of threads, roots, fields and objects, as somebody who wrote the module knows them.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using Microsoft.Diagnostics.Runtime;

namespace UniversalModuleHost.Explain;

internal sealed class Names
{
    /// <summary>Of a way with more objects the middle is left out.</summary>
    private const int StepsMax = 4;

    /// <summary>What waits for a task, of the method whose name follows.</summary>
    private const string Box = "AsyncStateMachineBox<";

    private static readonly Dictionary<string, string> s_known = new()
    {
        ["System.Threading.TimerQueueTimer"] = "a running timer",
        ["System.Threading.Tasks.Task+DelayPromise"] = "a delay that is not over",
        ["System.Threading.RegisteredWaitHandle"] = "a wait registered with the pool",
    };

    private static readonly Regex s_namespaces = new(@"\b(System|Microsoft)(\.\w+)*\.(?=\w)");

    private readonly ClrRuntime _runtime;
    private readonly Context _context;
    private readonly Dictionary<int, string> _threads = [];
    private readonly Dictionary<ulong, string> _statics = [];

    public Names(ClrRuntime runtime, Context context)
    {
        _runtime = runtime;
        _context = context;
        foreach (ClrObject one in runtime.Heap.EnumerateObjects())
        {
            if (one.Type?.Name == "System.Threading.Thread"
                && one.ReadStringField("_name") is { } name)
                _threads[one.ReadField<int>("_managedThreadId")] = name;
        }
        foreach (ClrModule module in runtime.EnumerateModules())
            ReadStatics(module);
    }

    public string Of(ClrThread thread)
    {
        string? name = _threads.GetValueOrDefault(thread.ManagedThreadId);
        return $"thread {thread.ManagedThreadId}{(name is null ? string.Empty : $" '{name}'")}";
    }

    /// <summary>"Alerts.Worker.Loop", also of what the compiler made of it.</summary>
    public string Of(ClrStackFrame frame) => OfMethod(frame.Method!);

    /// <summary>Null: it keeps nothing, as the weak kinds of handles that came later.</summary>
    public static string? OfRoot(ClrRoot root) => root is ClrHandle handle
        ? handle.HandleKind switch
        {
            ClrHandleKind.Strong => "a GCHandle",
            ClrHandleKind.Pinned or ClrHandleKind.AsyncPinned => "a pinned GCHandle",
            ClrHandleKind.RefCounted => "a handle of native code",
            ClrHandleKind.SizedRef => "a handle of the runtime",
            _ => null,
        }
        : root.RootKind switch
        {
            ClrRootKind.StaticVar => "a static field",
            ClrRootKind.ThreadStaticVar => "a static field of one thread",
            ClrRootKind.FinalizerQueue => "a finalizer that has not run",
            _ => null,
        };

    /// <summary>From a root over objects that are not of the context to one that is.</summary>
    public string Of(string root, IReadOnlyList<ulong> way, ulong held)
    {
        int from = 0;
        for (int i = 0; i < way.Count; i++)
        {
            // What people know stands for all that is before it.
            if (_statics.TryGetValue(way[i], out string? field))
                (root, from) = (field, i);
            else if (s_known.TryGetValue(TypeOf(way[i]), out string? known))
                (root, from) = (known, i + 1);
        }
        List<string> steps = [.. way.Skip(from).Where(IsOfInterest).Select(OfObject)];
        if (steps.Count > StepsMax)
        {
            steps.RemoveRange(1, steps.Count - StepsMax + 1);
            steps.Insert(1, "…");
        }
        steps.Add(OfObject(held));
        return $"{root} → {string.Join(" → ", steps)}";
    }

    /// <summary>Not the insides of a collection, or what only passes a call on.</summary>
    private bool IsOfInterest(ulong address)
    {
        string type = TypeOf(address);
        return !type.EndsWith("+Entry[]", StringComparison.Ordinal)
            && !type.EndsWith("+Node[]", StringComparison.Ordinal)
            && !type.StartsWith("System.Threading._", StringComparison.Ordinal);
    }

    private string TypeOf(ulong address) => _runtime.Heap.GetObjectType(address)?.Name ?? "?";

    private static string OfMethod(ClrMethod method)
    {
        string type = method.Type.Name ?? "?";
        return type.Contains(Box, StringComparison.Ordinal)
            ? Short(type)
            : OfMethod(type, method.Name ?? "?");
    }

    /// <summary>
    /// "Alerts.Poll" for what the compiler calls "Alerts+&lt;Poll&gt;d__3" and "MoveNext", or
    /// "Alerts+&lt;&gt;c" and "&lt;Poll&gt;b__0".
    /// </summary>
    private static string OfMethod(string type, string method)
    {
        foreach (string made in new[] { method, type[(type.LastIndexOf('+') + 1)..] })
        {
            int end = made.IndexOf('>');
            if (made.StartsWith('<') && end > 1)
            {
                method = made[1..end];
                break;
            }
        }
        int inner = type.IndexOf("+<", StringComparison.Ordinal);
        return $"{(inner < 0 ? type : type[..inner]).Replace('+', '.')}.{method}";
    }

    /// <summary>Without namespaces of the runtime: "List&lt;Acme.Alert&gt;".</summary>
    private static string Short(string type)
    {
        int box = type.IndexOf(Box, StringComparison.Ordinal);
        if (box >= 0)
            return $"async {OfMethod(type[(box + Box.Length)..^1], "MoveNext")}";
        return s_namespaces.Replace(type, string.Empty).Replace('+', '.');
    }

    private string OfObject(ulong address)
    {
        ClrObject one = _runtime.Heap.GetObject(address);
        if (address == _context.Address || address == _context.Allocator)
            return "the load context";
        if (one.IsDelegate && one.AsDelegate().GetDelegateTarget()?.Method is { } method)
            return $"a delegate of {OfMethod(method)}";
        if (one.IsRuntimeType && one.AsRuntimeType()?.Name is { } type)
            return $"typeof({Short(type)})";
        return Short(TypeOf(address));
    }

    private void ReadStatics(ClrModule module)
    {
        foreach ((ulong table, _) in module.EnumerateTypeDefToMethodTableMap())
        {
            ClrType? type = _runtime.GetTypeByMethodTable(table);
            if (type is null || _context.Has(type))
                continue;
            string name = $"static field {type.Name?.Replace('+', '.')}";
            foreach (ClrStaticField field in type.StaticFields)
            {
                if (field.IsObjectReference)
                    Note(field.ReadObject(_runtime.AppDomains[0]), $"{name}.{field.Name}");
            }
            foreach (ClrThreadStaticField field in type.ThreadStaticFields)
            {
                if (!field.IsObjectReference)
                    continue;
                foreach (ClrThread thread in _runtime.Threads)
                    Note(field.ReadObject(thread), $"{name}.{field.Name} of {Of(thread)}");
            }
        }
    }

    private void Note(ClrObject value, string name)
    {
        if (value.IsValid && !value.IsNull)
            _statics.TryAdd(value.Address, name);
    }
}
