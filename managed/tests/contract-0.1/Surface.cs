// SPDX-License-Identifier: MIT
// Every public and protected member of version 0.1, without bodies. It never changes: a later
// contract has all of it.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost;

[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class SubscribeAttribute(string service) : Attribute
{
    public Guid Service { get; } = Guid.Parse(service);
}

[AttributeUsage(AttributeTargets.Assembly)]
public sealed class ModuleTypeAttribute(Type type) : Attribute
{
    public Type Type { get; } = type;
}

public interface IModuleHost
{
    ModuleIdentity Identity { get; }

    ILogger Logger { get; }

    IConfiguration Configuration { get; }

    CancellationToken Stopping { get; }

    int MaxMessageBytes { get; }

    SendResult Send(Guid service, ReadOnlySpan<byte> utf8, uint session, TimeSpan timeout);

    SendResult TrySend(Guid service, ReadOnlySpan<byte> utf8, uint session);

    ValueTask SendAsync(
        Guid service, ReadOnlyMemory<byte> utf8, uint session, CancellationToken cancellation);

    void Subscribe(Guid service);

    void Unsubscribe(Guid service);
}

[StructLayout(LayoutKind.Auto)]
public readonly ref struct Message
{
    public Message(
        Guid service,
        ReadOnlySpan<byte> utf8,
        uint session = Sessions.Any,
        uint sourceHost = 0,
        ushort sourceSlot = 0,
        uint sourceSession = 0) => throw null!;

    public Guid Service => throw null!;

    public ReadOnlySpan<byte> Utf8 => throw null!;

    public string Text => throw null!;

    public uint Session => throw null!;

    public uint SourceHost => throw null!;

    public ushort SourceSlot => throw null!;

    public uint SourceSession => throw null!;
}

public abstract class Module
{
    protected Module() => throw null!;

    protected Module(IModuleHost host) => throw null!;

    protected ILogger Logger => throw null!;

    protected IConfiguration Configuration => throw null!;

    protected ModuleIdentity Identity => throw null!;

    protected CancellationToken Stopping => throw null!;

    protected int MaxMessageBytes => throw null!;

    protected internal virtual IEnumerable<Guid> Services => throw null!;

    protected virtual void OnStart() => throw null!;

    protected internal virtual ValueTask OnStartAsync() => throw null!;

    protected virtual void OnMessage(in Message message) => throw null!;

    protected internal virtual ValueTask OnMessageAsync(in Message message) => throw null!;

    protected virtual void OnStop() => throw null!;

    protected internal virtual ValueTask OnStopAsync() => throw null!;

    protected SendResult Send(
        Guid service,
        ReadOnlySpan<byte> utf8,
        uint session = Sessions.Any,
        TimeSpan? timeout = null) => throw null!;

    protected SendResult Send(
        Guid service, string text, uint session = Sessions.Any, TimeSpan? timeout = null) =>
        throw null!;

    protected SendResult TrySend(
        Guid service, ReadOnlySpan<byte> utf8, uint session = Sessions.Any) => throw null!;

    protected SendResult TrySend(Guid service, string text, uint session = Sessions.Any) =>
        throw null!;

    protected ValueTask SendAsync(
        Guid service,
        ReadOnlyMemory<byte> utf8,
        uint session = Sessions.Any,
        CancellationToken cancellation = default) => throw null!;

    protected ValueTask SendAsync(
        Guid service,
        string text,
        uint session = Sessions.Any,
        CancellationToken cancellation = default) => throw null!;

    protected void Subscribe(Guid service) => throw null!;

    protected void Unsubscribe(Guid service) => throw null!;
}

public sealed record ModuleIdentity
{
    public required string Name { get; init; }

    public required string Host { get; init; }

    public Guid HostService { get; init; }

    public uint HostNumber { get; init; }

    public uint Session { get; init; }

    public ushort Slot { get; init; }

    public required string Folder { get; init; }

    public required string OriginalFolder { get; init; }
}

public enum SendResult
{
    Ok = 0,
    Full = 1,
    NotText = 2,
    TooLarge = 3,
    NotAllowed = 4,
    Stopping = 5,
    BadArgument = 6,
    Limit = 7,
    NoMemory = 8,
}

public sealed class SendException : InvalidOperationException
{
    public SendException(SendResult result) => throw null!;

    public SendResult Result => throw null!;
}

public static class Sessions
{
    public const uint Broker = 0;
    public const uint Any = 0xFFFFFFFF;
}
