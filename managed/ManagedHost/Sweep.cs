// SPDX-License-Identifier: MIT
// What the runtime keeps about a module's types after it has gone, and how to make it forget.
using System;
using System.Collections;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Threading.Tasks;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// Removes what is of one context from caches and events of the runtime. It reads private fields as
/// they are in .NET 10.0: each part looks first and is tried alone, so that another version only
/// makes a module stay.
/// </summary>
internal static class Sweep
{
    private const BindingFlags Any = BindingFlags.NonPublic | BindingFlags.Public;
    private const BindingFlags Statics = BindingFlags.Static | Any;
    private const BindingFlags Fields = BindingFlags.Instance | Any;

    private static readonly string[] s_reflectionCaches =
        ["s_propertyCache", "s_eventCache", "s_attributeCache", "s_extendedPropertyCache"];

    private static readonly (string Assembly, Action<Mine, Assembly> Part)[] s_parts =
    [
        ("System.Text.Json", ForgetJson),
        ("System.ComponentModel.TypeConverter", ForgetTypeDescriptions),
        ("System.ComponentModel.Annotations", ForgetValidation),
        ("System.Diagnostics.DiagnosticSource", EndMeters),
        ("System.Diagnostics.DiagnosticSource", EndActivityListeners),
        ("System.Private.CoreLib", RemoveCoreHandlers),
        ("System.Console", RemoveConsoleHandlers),
    ];

    /// <summary>Parts that failed, each said once.</summary>
    private static readonly HashSet<string> s_said = [];

    /// <summary>
    /// A private field that is not found, as in a runtime that looks different: for tests.
    /// </summary>
    internal static string? MissingField { get; set; }

    /// <summary>Loads nothing: an assembly that is not there has kept nothing.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Run(AssemblyLoadContext context)
    {
        Dictionary<string, Assembly> loaded = [];
        foreach (Assembly assembly in AssemblyLoadContext.Default.Assemblies)
            loaded[assembly.GetName().Name ?? string.Empty] = assembly;
        foreach ((string name, Action<Mine, Assembly> part) in s_parts)
        {
            if (loaded.TryGetValue(name, out Assembly? assembly))
                Try(part, new Mine(context), assembly);
        }
        if (loaded.TryGetValue("System.Reflection.DispatchProxy", out Assembly? proxies))
            Try((_, from) => ForgetProxies(context, from), new Mine(context), proxies);
    }

    private static void Try(Action<Mine, Assembly> part, Mine mine, Assembly assembly)
    {
        try
        {
            part(mine, assembly);
        }
        catch (Exception exception)
        {
            string name = assembly.GetName().Name ?? string.Empty;
            lock (s_said)
            {
                if (s_said.Add($"{name}.{part.Method.Name}"))
                    HostLog.Write(LogLevel.Debug, null, $"sweep of {name}: {exception}");
            }
        }
    }

    /// <summary>The mechanism of hot reload; serializers fill their caches again.</summary>
    private static void ForgetJson(Mine mine, Assembly assembly) =>
        assembly.GetType("System.Text.Json.JsonSerializerOptionsUpdateHandler")?
            .GetMethod("ClearCache", Statics, [typeof(Type[])])?.Invoke(null, [null]);

    private static void ForgetTypeDescriptions(Mine mine, Assembly assembly)
    {
        Type descriptor = typeof(TypeDescriptor);
        Type? reflecting = assembly.GetType("System.ComponentModel.ReflectTypeDescriptionProvider");
        object? guard = ValueOf(descriptor, "s_commonSyncObject");
        if (guard is null || reflecting is null)
            return;
        lock (guard)
        {
            IDictionary?[] tables =
            [
                ValueOf(descriptor, "s_providerTable") as IDictionary,
                ValueOf(descriptor, "s_providerTypeTable") as IDictionary,
            ];
            foreach (IDictionary? table in tables)
            {
                foreach (object node in ValuesOf(table))
                    ForgetInChain(mine, node, reflecting);
            }
            foreach (IDictionary? table in tables)
                RemoveKeys(mine, table);
            RemoveKeys(mine, ValueOf(descriptor, "s_defaultProviderInitialized") as IDictionary);
            foreach (string cache in s_reflectionCaches)
                RemoveKeys(mine, ValueOf(reflecting, cache) as IDictionary);
        }
    }

    /// <summary>What options with ValidateDataAnnotations leave.</summary>
    private static void ForgetValidation(Mine mine, Assembly assembly)
    {
        Type? store = assembly.GetType(
            "System.ComponentModel.DataAnnotations.ValidationAttributeStore");
        object? instance = store?.GetProperty("Instance", Statics)?.GetValue(null);
        if (instance is not null)
            RemoveKeys(mine, ValueOf(instance, "_typeStoreItems") as IDictionary);
    }

    private static void ForgetInChain(Mine mine, object? node, Type reflecting)
    {
        for (; node is not null; node = ValueOf(node, "Next"))
        {
            // It may be of a class derived from that: the field is looked up where it is declared.
            if (ValueOf(node, "Provider") is { } provider && reflecting.IsInstanceOfType(provider))
            {
                object? data = reflecting.GetField("_typeData", Fields)?.GetValue(provider);
                RemoveKeys(mine, data as IDictionary);
            }
        }
    }

    private static void ForgetProxies(AssemblyLoadContext context, Assembly assembly)
    {
        object? map = assembly.GetType("System.Reflection.DispatchProxyGenerator") is { } generator
            ? ValueOf(generator, "s_alcProxyAssemblyMap")
            : null;
        map?.GetType().GetMethod("Remove", [typeof(AssemblyLoadContext)])?.Invoke(map, [context]);
    }

    private static void EndMeters(Mine mine, Assembly assembly)
    {
        foreach (object meter in ItemsOf(ValueOf(typeof(Meter), "s_allMeters")))
        {
            foreach (object instrument in ItemsOf(ValueOf(meter, "_instruments")))
            {
                if (!mine.Is(instrument) && !HoldsCallback(mine, instrument))
                    continue;
                ((Meter)meter).Dispose();
                break;
            }
        }
    }

    private static void EndActivityListeners(Mine mine, Assembly assembly)
    {
        object? list = ValueOf(typeof(ActivitySource), "s_allListeners");
        foreach (object listener in ItemsOf(list is null ? null : ValueOf(list, "_volatileArray")))
        {
            if (HoldsCallback(mine, listener))
                ((ActivityListener)listener).Dispose();
        }
    }

    private static void RemoveCoreHandlers(Mine mine, Assembly assembly)
    {
        RemoveHandlers(mine, typeof(AppDomain), AppDomain.CurrentDomain);
        RemoveHandlers(mine, typeof(AppContext), null);
        RemoveHandlers(mine, typeof(AssemblyLoadContext), null);
        RemoveHandlers(mine, typeof(AssemblyLoadContext), AssemblyLoadContext.Default);
        RemoveHandlers(mine, typeof(TaskScheduler), null);
    }

    private static void RemoveConsoleHandlers(Mine mine, Assembly assembly) =>
        RemoveHandlers(mine, typeof(Console), null);

    /// <summary>
    /// From every field of <paramref name="type"/> that is a delegate: events are such fields.
    /// </summary>
    private static void RemoveHandlers(Mine mine, Type type, object? instance)
    {
        foreach (FieldInfo field in type.GetFields(instance is null ? Statics : Fields))
        {
            if (!typeof(Delegate).IsAssignableFrom(field.FieldType)
                || field.GetValue(instance) is not Delegate all)
                continue;
            Delegate? rest = all;
            foreach (Delegate one in all.GetInvocationList())
            {
                if (mine.Is(one))
                    rest = Delegate.Remove(rest, one);
            }
            if (!ReferenceEquals(rest, all))
                field.SetValue(instance, rest);
        }
    }

    private static bool HoldsCallback(Mine mine, object thing)
    {
        for (Type? type = thing.GetType(); type is not null; type = type.BaseType)
        {
            foreach (FieldInfo field in type.GetFields(Fields | BindingFlags.DeclaredOnly))
            {
                // Of any type: an observable instrument keeps its callback as an object.
                if (!field.FieldType.IsValueType
                    && field.GetValue(thing) is Delegate call
                    && mine.Is(call))
                    return true;
            }
        }
        return false;
    }

    private static void RemoveKeys(Mine mine, IDictionary? table)
    {
        if (table is null)
            return;
        List<object> keys = [];
        foreach (object key in table.Keys)
        {
            // A table with weak keys wraps them, and its wrappers are equal to what they wrap.
            if (mine.Is(key is WeakReference weak ? weak.Target : key))
                keys.Add(key);
        }
        foreach (object key in keys)
            table.Remove(key);
    }

    /// <summary>A copy: what is done with one of them may change the collection.</summary>
    private static List<object> ItemsOf(object? collection)
    {
        List<object> items = [];
        if (collection is IEnumerable all)
        {
            foreach (object? item in all)
            {
                if (item is not null)
                    items.Add(item);
            }
        }
        return items;
    }

    private static List<object> ValuesOf(IDictionary? table) => ItemsOf(table?.Values);

    private static object? ValueOf(Type type, string field) =>
        field == MissingField ? null : type.GetField(field, Statics)?.GetValue(null);

    private static object? ValueOf(object thing, string field) =>
        field == MissingField ? null : thing.GetType().GetField(field, Fields)?.GetValue(thing);
}
