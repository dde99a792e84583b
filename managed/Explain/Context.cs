// SPDX-License-Identifier: MIT
// One collectible load context in a memory image: which objects are of it.
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Diagnostics.Runtime;

namespace UniversalModuleHost.Explain;

/// <summary>
/// An object is of the context when its type is kept by the context's LoaderAllocator, so that it
/// keeps that in turn.
/// </summary>
internal sealed class Context
{
    private const string ContextType = "System.Runtime.Loader.AssemblyLoadContext";

    /// <summary>The runtime's own types, of objects that stand for something of the context.</summary>
    private static readonly HashSet<string> s_reflection =
    [
        "System.RuntimeType",
        "System.Reflection.RuntimeAssembly",
        "System.Reflection.RuntimeConstructorInfo",
        "System.Reflection.RuntimeMethodInfo",
        "System.Reflection.RuntimeModule",
        "System.Reflection.RtFieldInfo",
    ];

    private readonly ClrRuntime _runtime;
    private readonly Dictionary<ulong, bool> _types = [];
    private readonly HashSet<ulong> _objects = [];

    /// <param name="runtime">Of the memory image.</param>
    /// <param name="id">Of the context; 0: not known.</param>
    /// <param name="methodTable">Of a type that was loaded into it.</param>
    public Context(ClrRuntime runtime, long id, ulong methodTable)
    {
        _runtime = runtime;
        ClrType? type = runtime.GetTypeByMethodTable(methodTable);
        if (type is not { IsCollectible: true, LoaderAllocatorHandle: not 0 })
            throw new InvalidDataException("the load context is not in the memory image any more");
        Allocator = runtime.DataTarget.DataReader.ReadPointer(type.LoaderAllocatorHandle);
        _objects.Add(Allocator);
        List<ClrObject> others = [];
        foreach (ClrObject one in runtime.Heap.EnumerateObjects())
        {
            if (one.IsDelegate || s_reflection.Contains(one.Type?.Name ?? string.Empty))
                others.Add(one);
            else if (id != 0 && IsContext(one.Type) && one.ReadField<long>("_id") == id)
                Address = one.Address;
        }
        if (Address != 0)
            _objects.Add(Address);

        // A type keeps its allocator, a method its type, a delegate either.
        int found;
        do
            found = others.RemoveAll(IsOfMine);
        while (found > 0);
    }

    /// <summary>
    /// Of the object that is the context, which the runtime keeps as long as the allocator lives;
    /// 0: not known.
    /// </summary>
    public ulong Address { get; }

    public ulong Allocator { get; }

    public bool Has(ulong address) =>
        _objects.Contains(address) || Has(_runtime.Heap.GetObjectType(address));

    public bool Has(ClrType? type)
    {
        if (type is not { IsCollectible: true })
            return false;
        if (!_types.TryGetValue(type.MethodTable, out bool isMine))
        {
            ulong handle = type.LoaderAllocatorHandle;
            isMine = handle != 0 && _runtime.DataTarget.DataReader.ReadPointer(handle) == Allocator;
            _types[type.MethodTable] = isMine;
        }
        return isMine;
    }

    private bool IsOfMine(ClrObject one) =>
        one.EnumerateReferenceAddresses().Any(Has) && _objects.Add(one.Address);

    private static bool IsContext(ClrType? type)
    {
        for (; type is not null; type = type.BaseType)
        {
            if (type.Name == ContextType)
                return true;
        }
        return false;
    }
}
