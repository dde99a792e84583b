// SPDX-License-Identifier: MIT
// Uses of what the runtime has once per process: events, meters, pools, handles, native libraries.
using System;
using System.Buffers;
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using System.IO;
using System.Net.NetworkInformation;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Threading;
using System.Threading.Tasks;

namespace Lingering;

[EventSource(Name = "Lingering")]
public sealed class Events : EventSource
{
    public static readonly Events Log = new();

    [Event(1)]
    public void Happened(string name) => WriteEvent(1, name);
}

internal static class Runtime
{
    private static readonly ActivitySource s_source = new("lingering");

    [ThreadStatic]
    private static Payload? t_payload;

    private static object? s_kept;

    public static readonly Dictionary<string, Action> All = new()
    {
        ["event source"] = () => Events.Log.Happened("a"),
        ["activity source"] = () => s_source.StartActivity("a")?.Dispose(),
        ["activity listener"] = () =>
            ActivitySource.AddActivityListener(new() { ShouldListenTo = _ => false }),
        ["meter"] = () => new Meter("lingering").CreateCounter<int>("a").Add(1),
        ["meter callback"] = () => new Meter("lingering").CreateObservableGauge("a", () => 1),
        ["thread static"] = () => s_kept = (t_payload ??= new Payload("a", 1)).Name,
        ["array pool"] = () => ArrayPool<Payload>.Shared.Return(ArrayPool<Payload>.Shared.Rent(8)),
        ["watcher"] = () => s_kept = new FileSystemWatcher(Path.GetTempPath(), "*.lingering")
        {
            EnableRaisingEvents = true,
        },
        ["process exit"] = () => AppDomain.CurrentDomain.ProcessExit += (_, _) => Forget(),
        ["resolving"] = () => AssemblyLoadContext.Default.Resolving += (_, _) => null,
        ["unobserved"] = () => TaskScheduler.UnobservedTaskException += (_, _) => Forget(),
        ["cancel key"] = () => Console.CancelKeyPress += (_, _) => Forget(),
        ["network change"] = () => NetworkChange.NetworkAddressChanged += OnAddressChanged,
        ["handle"] = () => GCHandle.Alloc(new Payload("a", 1)),
        ["native"] = UseNative,
        ["native callback"] = () => Sort([3, 1, 2]),
    };

    private static void OnAddressChanged(object? sender, EventArgs e) => Forget();

    private static void Forget() => s_kept = s_kept is null ? t_payload : null;

    /// <summary>A library beside the module, of nobody else.</summary>
    private static void UseNative()
    {
        string folder = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!;
        nint library = NativeLibrary.Load(Path.Join(folder, "liblingering.so"));
        NativeLibrary.GetExport(library, "BrotliEncoderMaxCompressedSize");
        if (MaxCompressedSize(100) < 100)
            throw new InvalidOperationException("the library does not work");
    }

    private static unsafe void Sort(int[] numbers)
    {
        fixed (int* first = numbers)
            Sort(first, (nuint)numbers.Length, sizeof(int), Compare);
    }

    private static unsafe int Compare(void* one, void* other) => *(int*)one - *(int*)other;

    private unsafe delegate int Comparison(void* one, void* other);

    [DllImport("libc", EntryPoint = "qsort")]
    private static extern unsafe void Sort(
        int* numbers, nuint count, nuint size, Comparison comparison);

    [DllImport("lingering", EntryPoint = "BrotliEncoderMaxCompressedSize")]
    private static extern nuint MaxCompressedSize(nuint size);
}
