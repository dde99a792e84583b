// SPDX-License-Identifier: MIT
// Who holds a context: threads in its code, and the shortest way from each root to an object of it.
using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.Diagnostics.Runtime;

namespace UniversalModuleHost.Explain;

internal sealed class Holders(ClrRuntime runtime, Context context)
{
    /// <summary>What a person reads; the rest is counted.</summary>
    private const int LinesMax = 20;

    /// <summary>Objects looked at; more than a host has whose memory is worth keeping.</summary>
    private const int ObjectsMax = 20_000_000;

    private readonly Names _names = new(runtime, context);

    /// <summary>An object, and what it was reached from; 0: a root.</summary>
    private readonly Dictionary<ulong, ulong> _from = [];

    private readonly Dictionary<ulong, string> _roots = [];
    private readonly Queue<ulong> _next = new();
    private readonly List<(string Line, int Count)> _lines = [];
    private readonly HashSet<ulong> _held = [];

    public List<string> Describe()
    {
        foreach (ClrRoot root in runtime.Heap.EnumerateRoots())
        {
            // The runtime's own handle of a context that is unloading goes with its allocator.
            if (root is not ClrStackRoot
                && root.Object.Address != context.Address
                && Names.OfRoot(root) is { } name)
                Reach(root.Object, name);
        }
        Walk();

        // What a stack holds and nothing else.
        foreach (ClrThread thread in runtime.Threads.Where(thread => thread.IsAlive))
            LookAtThread(thread);
        Walk();
        return [.. _lines.Take(LinesMax).Select(Text), .. Rest()];
    }

    private static string Text((string Line, int Count) line) =>
        line.Count == 1 ? line.Line : $"{line.Line} (and {line.Count - 1} more like it)";

    private IEnumerable<string> Rest()
    {
        if (_lines.Count > LinesMax)
            yield return $"and {_lines.Count - LinesMax} more kinds of holders";
    }

    private void LookAtThread(ClrThread thread)
    {
        ClrStackFrame? frame = thread.EnumerateStackTrace()
            .FirstOrDefault(frame => context.Has(frame.Method?.Type));
        if (frame is not null)
        {
            // Whatever its stack holds, it is the thread that is to end.
            Add($"{_names.Of(thread)} in {_names.Of(frame)}");
            return;
        }
        foreach (ClrStackRoot root in thread.EnumerateStackRoots())
        {
            string where = root.StackFrame is { Method: not null } caller
                ? $" in {_names.Of(caller)}"
                : string.Empty;
            Reach(root.Object, $"{_names.Of(thread)}{where}");
        }
    }

    private void Reach(ulong address, string root)
    {
        if (address == 0 || !_from.TryAdd(address, 0))
            return;
        _roots[address] = root;
        if (context.Has(address))
            Add(_names.Of(root, [], address));
        else
            _next.Enqueue(address);
    }

    /// <summary>Breadth first, and never through an object of the context.</summary>
    private void Walk()
    {
        while (_next.TryDequeue(out ulong address) && _from.Count < ObjectsMax)
        {
            ClrObject one = runtime.Heap.GetObject(address);
            if (!one.IsValid)
                continue;
            foreach (ulong to in one.EnumerateReferenceAddresses(
                carefully: true,
                considerDependantHandles: true))
            {
                if (context.Has(to))
                    Find(address, to);
                else if (_from.TryAdd(to, address))
                    _next.Enqueue(to);
            }
        }
    }

    /// <summary>One line for each object outside that holds something inside.</summary>
    private void Find(ulong holder, ulong held)
    {
        if (!_held.Add(holder))
            return;
        List<ulong> way = [];
        ulong address = holder;
        for (; address != 0; address = _from[address])
            way.Add(address);
        way.Reverse();
        Add(_names.Of(_roots[way[0]], way, held));
    }

    private void Add(string line)
    {
        int index = _lines.FindIndex(one => one.Line == line);
        if (index < 0)
            _lines.Add((line, 1));
        else
            _lines[index] = (line, _lines[index].Count + 1);
    }
}
