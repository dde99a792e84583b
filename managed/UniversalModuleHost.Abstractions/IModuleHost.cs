// SPDX-License-Identifier: MIT
// What a host does for a module.
using System;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost;

/// <summary>
/// What a host does for one module. <see cref="Module"/> passes it on; a module with dependency
/// injection may have it injected anywhere; a test of a module gives it one of its own. Everything
/// here may be called on any thread until the module has stopped. Members are only ever added with
/// a default, so an implementation goes on being one.
/// </summary>
public interface IModuleHost
{
    /// <summary>Who the module is.</summary>
    ModuleIdentity Identity { get; }

    /// <summary>The module's log.</summary>
    ILogger Logger { get; }

    /// <summary>The module's <c>Config</c>; read when it is first asked for.</summary>
    IConfiguration Configuration { get; }

    /// <summary>
    /// Cancelled as soon as the module is to stop: before <see cref="Module.OnStop"/>, and while a
    /// handler may still be awaiting something; messages that came before the stop are handled all
    /// the same. That of a program (<see cref="ModuleHost"/>) only when those have been.
    /// </summary>
    CancellationToken Stopping { get; }

    /// <summary>The clock; a test has one of its own.</summary>
    TimeProvider Time => TimeProvider.System;

    /// <summary>Largest text a message may have, in bytes of UTF-8.</summary>
    int MaxMessageBytes { get; }

    /// <summary>Publish, waiting for room.</summary>
    SendResult Send(Guid service, ReadOnlySpan<byte> utf8, uint session, TimeSpan timeout);

    /// <summary>Publish if there is room now.</summary>
    SendResult TrySend(Guid service, ReadOnlySpan<byte> utf8, uint session);

    /// <summary>Publish, waiting for room without blocking a thread of the caller.</summary>
    ValueTask SendAsync(
        Guid service, ReadOnlyMemory<byte> utf8, uint session, CancellationToken cancellation);

    /// <summary>Receive what is published to a service from now on.</summary>
    void Subscribe(Guid service);

    /// <summary>No longer.</summary>
    void Unsubscribe(Guid service);

    /// <summary>
    /// Have a handler take the messages of a service, instead of <see cref="Module.OnMessage"/>. It
    /// is called like that: never beside another call of the module. Several handlers of a service
    /// are called one after the other.
    /// </summary>
    /// <returns>Disposed, the handler is given no more.</returns>
    /// <exception cref="SendException">There are too many subscriptions, or the module is being
    /// stopped.</exception>
    ValueTask<IAsyncDisposable> SubscribeAsync(
        Guid service, MessageHandler handler, CancellationToken cancellation = default) =>
        throw new NotSupportedException("This host has no handlers.");

    /// <summary>
    /// Ask to be reloaded: the newest file, with the <c>Config</c> of then. Returns at once; the
    /// stop follows, and no message is lost. Asked for again before that, it is the same wish; at
    /// most one reload a second comes of it. From when the module is being stopped it does nothing.
    /// </summary>
    void RequestReload() => throw new NotSupportedException("This host reloads no module.");
}
