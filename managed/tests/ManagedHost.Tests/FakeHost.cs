// SPDX-License-Identifier: MIT
// The native side of the border, as the host has it: a table per module, what came over it in
// lists.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting.Tests;

internal sealed record Sent(Guid Service, uint Session, string Text, bool IsInside, bool IsTry);

internal sealed record Logged(int Level, string Text, IReadOnlyDictionary<string, string> Pairs);

/// <summary>
/// One module on the other side; EntryPoints are called through their table, as the host does.
/// </summary>
internal sealed unsafe class FakeHost : IDisposable
{
    public const uint MaxMessageBytes = 1 << 20;

    public static readonly Guid Asked = new("11111111-1111-1111-1111-111111111111");
    public static readonly Guid Answered = new("22222222-2222-2222-2222-222222222222");

    private static readonly ConcurrentDictionary<nint, FakeHost> s_hosts = new();
    private static readonly NativeCalls s_calls = EntryPoints.Table();
    private static readonly NativeStart* s_start = NewStart();

    private readonly List<nint> _texts = [];
    private readonly NativeHost* _table;
    private readonly NativeIdentity* _identity;
    private nint _handle;

    public FakeHost(string config = "{}")
    {
        _table = (NativeHost*)NativeMemory.AllocZeroed((nuint)sizeof(NativeHost));
        _identity = (NativeIdentity*)NativeMemory.AllocZeroed((nuint)sizeof(NativeIdentity));
        Config = config;
        *_identity = new NativeIdentity
        {
            Size = (nuint)sizeof(NativeIdentity),
            Module = Text("Given"),
            Host = Text("test@2"),
            HostService = NativeGuid.From(Asked),
            HostNumber = 7,
            Session = 2,
            Slot = 3,
            Folder = Text("/store"),
            OriginalFolder = Text("/original"),
        };
        *_table = new NativeHost
        {
            Size = (nuint)sizeof(NativeHost),
            AbiVersion = 1,
            Send = &Send,
            TrySend = &TrySend,
            Subscribe = &Subscribe,
            Unsubscribe = &Unsubscribe,
            Log = &Log,
            Identity = &Identity,
            MaxMessageBytes = &MaxBytes,
        };
        s_hosts[(nint)_table] = this;
        Border.Start = s_start;
        if (Interlocked.Exchange(ref s_isWarm, 1) == 0)
            Warmup.Run();
    }

    private static int s_isWarm;

    public string Config { get; }

    public ConcurrentQueue<Sent> SentMessages { get; } = new();

    public ConcurrentQueue<Logged> Records { get; } = new();

    public ConcurrentQueue<(Guid Service, bool IsWanted)> Subscriptions { get; } = new();

    /// <summary>Records of ManagedHost itself.</summary>
    public static ConcurrentQueue<string> HostRecords { get; } = new();

    /// <summary>Exceptions of callbacks, as the host is told.</summary>
    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>What the module left to its successor; what a predecessor left to it.</summary>
    public string? LeftState { get; private set; }

    public string? ReloadState { get; init; }

    /// <summary>What the next sends outside of callbacks answer, as often as it says.</summary>
    public int FullCount { get; set; }

    /// <summary>What sends outside of callbacks wait for, and how they say that they do.</summary>
    public (ManualResetEventSlim HasCome, ManualResetEventSlim MayGo)? Gate { get; init; }

    public NativeFacts Facts { get; private set; }

    public static string ModulePath(string name) =>
        Path.Join(AppContext.BaseDirectory, "modules", name, name + ".dll");

    /// <summary>The reason why it was refused, or null.</summary>
    public string? Load(string path)
    {
        NativeFacts facts = new() { Size = (uint)sizeof(NativeFacts) };
        NativeLoad load = new()
        {
            Size = (uint)sizeof(NativeLoad),
            Slot = 3,
            Name = Text("Given"),
            Path = Text(path),
            Folder = Text(Path.GetDirectoryName(path)!),
            OriginalFolder = Text("/original"),
            Config = Text(Config),
            State = ReloadState is null ? null : Text(ReloadState),
            Host = _table,
            LogLevel = 2,
        };
        nint handle = 0;
        byte* why = stackalloc byte[Border.WhyBytes];
        int result = s_calls.Load(&load, &facts, &handle, why);
        _handle = handle;
        Facts = facts;
        return result == 0 ? null : Border.ToText(why);
    }

    public string? Start()
    {
        byte* why = stackalloc byte[Border.WhyBytes];
        return s_calls.Start(_handle, why) == 0 ? null : Border.ToText(why);
    }

    public void Deliver(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text + '\0');
        fixed (byte* bytes = utf8)
            Deliver(bytes, utf8.Length - 1);
    }

    public void Deliver(byte* bytes, int count)
    {
        NativeMessage message = new()
        {
            Size = (nuint)sizeof(NativeMessage),
            Service = NativeGuid.From(Asked),
            Text = bytes,
            TextBytes = (nuint)count,
            SourceHost = 9,
            SourceSession = 4,
            Session = 2,
            SourceSlot = 1,
            Slot = 3,
        };
        s_calls.OnMessage(_handle, &message);
    }

    public void Stop(bool isReload = false) => s_calls.Stop(_handle, isReload ? 1 : 0);

    public void BeginStop() => s_calls.BeginStop(_handle);

    /// <summary>True: the module took it over.</summary>
    public bool Configure(string config)
    {
        byte* why = stackalloc byte[Border.WhyBytes];
        return s_calls.Configure(_handle, Text(config), why) == 0;
    }

    /// <summary>What holds it, or null.</summary>
    public string? Unload()
    {
        byte* why = stackalloc byte[Border.WhyBytes];
        byte* explanation = stackalloc byte[NativeUnload.ExplanationBytes];
        NativeUnload spec = new()
        {
            Size = (uint)sizeof(NativeUnload),
            Host = _table,
            Explanation = explanation,
        };
        return s_calls.Unload(_handle, &spec, why) == 0 ? null : Border.ToText(why);
    }

    public static string? LoadBehaviour(string config, out FakeHost host) =>
        LoadModule("Behaviours", config, out host);

    public static string? LoadModule(string name, string config, out FakeHost host)
    {
        host = new FakeHost(config);
        return host.Load(ModulePath(name));
    }

    public ModuleHost NewModuleHost() => new(_table, Config, LogLevel.Information);

    public void Dispose()
    {
        s_hosts.TryRemove((nint)_table, out _);
        NativeMemory.Free(_table);
        NativeMemory.Free(_identity);
        _texts.ForEach(Marshal.FreeCoTaskMem);
    }

    private byte* Text(string text)
    {
        nint bytes = Marshal.StringToCoTaskMemUTF8(text);
        _texts.Add(bytes);
        return (byte*)bytes;
    }

    private static NativeStart* NewStart()
    {
        NativeStart* start = (NativeStart*)NativeMemory.AllocZeroed((nuint)sizeof(NativeStart));
        start->Log = &HostRecord;
        start->SendInside = &SendInside;
        start->Failed = &Failed;
        start->KeepState = &KeepState;
        start->Ended = &Ignore;
        start->Gone = &Ignore;
        return start;
    }

    private static int Take(
        NativeHost* table,
        NativeGuid* service,
        uint session,
        ReadOnlySpan<byte> text,
        bool isInside = false,
        bool isTry = false)
    {
        FakeHost host = s_hosts[(nint)table];
        if (!isInside && !isTry && host.Gate is { } gate)
        {
            gate.HasCome.Set();
            gate.MayGo.Wait();
        }
        if (!isInside && host.FullCount > 0)
        {
            host.FullCount--;
            return (int)SendResult.Full;
        }
        host.SentMessages.Enqueue(
            new Sent(service->ToGuid(), session, Encoding.UTF8.GetString(text), isInside, isTry));
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Send(
        NativeHost* table, NativeGuid* service, uint session, byte* text, nuint size, uint wait) =>
        Take(table, service, session, new ReadOnlySpan<byte>(text, (int)size));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int TrySend(
        NativeHost* table, NativeGuid* service, uint session, byte* text, nuint size) =>
        Take(table, service, session, new ReadOnlySpan<byte>(text, (int)size), isTry: true);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SendInside(
        NativeHost* table, NativeGuid* service, uint session, byte* text, nuint size)
    {
        ReadOnlySpan<byte> utf8 = new(text, (int)size);
        return s_hosts[(nint)table].Ignores
            ? 0
            : Take(table, service, session, utf8, isInside: true);
    }

    /// <summary>Sends inside are counted nowhere: for measuring what a message costs.</summary>
    public bool Ignores { get; set; }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Subscribe(NativeHost* table, NativeGuid* service)
    {
        s_hosts[(nint)table].Subscriptions.Enqueue((service->ToGuid(), true));
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Unsubscribe(NativeHost* table, NativeGuid* service)
    {
        s_hosts[(nint)table].Subscriptions.Enqueue((service->ToGuid(), false));
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Log(NativeHost* table, int level, byte* text, NativePair* pairs, nuint count)
    {
        Dictionary<string, string> found = [];
        for (nuint i = 0; i < count; i++)
            found[Border.ToText(pairs[i].Key)] = Border.ToText(pairs[i].Value);
        s_hosts[(nint)table].Records.Enqueue(new Logged(level, Border.ToText(text), found));
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static NativeIdentity* Identity(NativeHost* table) => s_hosts[(nint)table]._identity;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint MaxBytes(NativeHost* table) => MaxMessageBytes;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Failed(NativeHost* table, byte* text, nuint size) =>
        s_hosts[(nint)table].Failures.Enqueue(Encoding.UTF8.GetString(text, (int)size));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Ignore(NativeHost* table)
    {
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int KeepState(NativeHost* table, byte* text, nuint size)
    {
        if (size > 64 * 1024)
            return (int)SendResult.TooLarge;
        s_hosts[(nint)table].LeftState = Encoding.UTF8.GetString(text, (int)size);
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void HostRecord(uint level, byte* module, byte* text, nuint size) =>
        HostRecords.Enqueue(Encoding.UTF8.GetString(text, (int)size));
}
