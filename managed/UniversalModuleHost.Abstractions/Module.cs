// SPDX-License-Identifier: MIT
// The base class of every managed module.
using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost;

/// <summary>
/// A managed module. Its life: constructor, <see cref="OnStart"/>, <see cref="OnMessage"/> for each
/// message, <see cref="OnStop"/>, then <c>Dispose</c> where it is <see cref="IDisposable"/> or
/// <see cref="IAsyncDisposable"/>, then it is unloaded.
/// </summary>
/// <remarks>
/// A module is never called concurrently with itself, but each call may come on another thread. A
/// handler that returns a task is busy until that has completed. A constructor or
/// <see cref="OnStart"/> that throws makes the module fail; an exception from a message's handler
/// is logged and the module lives on.
/// </remarks>
public abstract class Module
{
    [ThreadStatic]
    private static IModuleHost? s_constructing;

    private readonly IModuleHost? _host;

    /// <summary>
    /// Everything but sending works in the constructor of a module that a host makes.
    /// </summary>
    protected Module() => _host = s_constructing;

    /// <summary>With a host of one's own, for tests.</summary>
    protected Module(IModuleHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _host = host;
    }

    /// <summary>The module's log.</summary>
    protected ILogger Logger => Host.Logger;

    /// <summary>The module's <c>Config</c>.</summary>
    protected IConfiguration Configuration => Host.Configuration;

    /// <summary>Who the module is.</summary>
    protected ModuleIdentity Identity => Host.Identity;

    /// <summary>
    /// Cancelled as soon as the module is to stop: before <see cref="OnStop"/> is called, and while
    /// a handler may still be awaiting something; messages that came before the stop are handled
    /// all the same.
    /// </summary>
    protected CancellationToken Stopping => Host.Stopping;

    /// <summary>The clock; a test has one of its own.</summary>
    protected TimeProvider Time => Host.Time;

    /// <summary>Largest text a message may have, in bytes of UTF-8.</summary>
    protected int MaxMessageBytes => Host.MaxMessageBytes;

    /// <summary>
    /// What the module receives from the beginning: by default what its
    /// <see cref="SubscribeAttribute"/>s say. Asked once, after the constructor.
    /// </summary>
    protected internal virtual IEnumerable<Guid> Services => SubscribeAttribute.ReadAll(GetType());

    private IModuleHost Host => _host ?? FailWithoutHost();

    /// <summary>
    /// The module may publish from here on and is given messages after this has returned.
    /// </summary>
    protected virtual void OnStart()
    {
    }

    /// <summary>The same as <see cref="OnStart"/>, with a task; it calls that by default.</summary>
    protected internal virtual ValueTask OnStartAsync()
    {
        OnStart();
        return default;
    }

    /// <summary>One message. It is borrowed: see <see cref="Message"/>.</summary>
    protected virtual void OnMessage(in Message message)
    {
    }

    /// <summary>
    /// The same as <see cref="OnMessage"/>, with a task; it calls that by default. The message ends
    /// when this method returns, not when the task completes: take its text and go on with that in
    /// a method of its own.
    /// </summary>
    /// <example>
    /// <code>
    /// protected override ValueTask OnMessageAsync(in Message message) =>
    ///     HandleAsync(message.Text);
    /// </code>
    /// </example>
    protected internal virtual ValueTask OnMessageAsync(in Message message)
    {
        OnMessage(in message);
        return default;
    }

    /// <summary>
    /// The module's <c>Config</c> changed while it runs; <see cref="Configuration"/> shows the new
    /// one already. Called like a message's handler, never beside it.
    /// </summary>
    /// <returns>
    /// True: taken over. False, which is the default: the module is reloaded, which loses no
    /// message.
    /// </returns>
    protected internal virtual bool OnConfigure() => false;

    /// <summary>
    /// End own threads, timers and tasks; nothing is called afterwards but
    /// <see cref="IReloadState.SaveState"/> and Dispose. Called after an <see cref="OnStart"/> that
    /// threw as well, and not at all where the module was never started.
    /// </summary>
    protected virtual void OnStop()
    {
    }

    /// <summary>The same as <see cref="OnStop"/>, with a task; it calls that by default.</summary>
    protected internal virtual ValueTask OnStopAsync()
    {
        OnStop();
        return default;
    }

    /// <summary>
    /// Publish UTF-8 text to a service. Order is kept per service. Where the receivers are slower
    /// it waits for room until <paramref name="timeout"/> (by default as long as the module runs);
    /// inside a handler it never waits: a limited amount is accepted beyond the room there is, then
    /// the answer is <see cref="SendResult.Full"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected SendResult Send(
        Guid service,
        ReadOnlySpan<byte> utf8,
        uint session = Sessions.Any,
        TimeSpan? timeout = null) =>
        Host.Send(service, utf8, session, timeout ?? Timeout.InfiniteTimeSpan);

    /// <summary>Publish a text to a service.</summary>
    /// <inheritdoc cref="Send(Guid, ReadOnlySpan{byte}, uint, TimeSpan?)"/>
    protected SendResult Send(
        Guid service, string text, uint session = Sessions.Any, TimeSpan? timeout = null) =>
        ModuleHostExtensions.Send(Host, service, text, session, timeout);

    /// <summary>Publish a value to a service, as JSON.</summary>
    /// <inheritdoc cref="ModuleHostExtensions.Send{T}"/>
    protected SendResult Send<T>(
        Guid service,
        T value,
        JsonTypeInfo<T> type,
        uint session = Sessions.Any,
        TimeSpan? timeout = null) =>
        ModuleHostExtensions.Send(Host, service, value, type, session, timeout);

    /// <summary>Publish UTF-8 text only if there is room now.</summary>
    protected SendResult TrySend(
        Guid service, ReadOnlySpan<byte> utf8, uint session = Sessions.Any) =>
        Host.TrySend(service, utf8, session);

    /// <summary>Publish a text only if there is room now.</summary>
    protected SendResult TrySend(Guid service, string text, uint session = Sessions.Any) =>
        ModuleHostExtensions.TrySend(Host, service, text, session);

    /// <summary>Publish a value as JSON only if there is room now.</summary>
    protected SendResult TrySend<T>(
        Guid service, T value, JsonTypeInfo<T> type, uint session = Sessions.Any) =>
        ModuleHostExtensions.TrySend(Host, service, value, type, session);

    /// <summary>
    /// Publish UTF-8 text and wait for room without blocking a thread. Inside a handler, and in
    /// what the handler awaits, it never waits.
    /// </summary>
    /// <exception cref="SendException">The message was not accepted.</exception>
    protected ValueTask SendAsync(
        Guid service,
        ReadOnlyMemory<byte> utf8,
        uint session = Sessions.Any,
        CancellationToken cancellation = default) =>
        Host.SendAsync(service, utf8, session, cancellation);

    /// <summary>Publish a text and wait for room without blocking a thread.</summary>
    /// <inheritdoc cref="SendAsync(Guid, ReadOnlyMemory{byte}, uint, CancellationToken)"/>
    protected ValueTask SendAsync(
        Guid service,
        string text,
        uint session = Sessions.Any,
        CancellationToken cancellation = default) =>
        ModuleHostExtensions.SendAsync(Host, service, text, session, cancellation);

    /// <summary>
    /// Publish a value as JSON and wait for room without blocking a thread.
    /// </summary>
    /// <inheritdoc cref="SendAsync(Guid, ReadOnlyMemory{byte}, uint, CancellationToken)"/>
    protected ValueTask SendAsync<T>(
        Guid service,
        T value,
        JsonTypeInfo<T> type,
        uint session = Sessions.Any,
        CancellationToken cancellation = default) =>
        ModuleHostExtensions.SendAsync(Host, service, value, type, session, cancellation);

    /// <summary>Receive what is published to <paramref name="service"/>. Twice is once.</summary>
    /// <exception cref="SendException">There are too many subscriptions, or the module is being
    /// stopped.</exception>
    protected void Subscribe(Guid service) => Host.Subscribe(service);

    /// <summary>Receive it no longer.</summary>
    protected void Unsubscribe(Guid service) => Host.Unsubscribe(service);

    /// <summary>
    /// Have a handler take the messages of a service, instead of <see cref="OnMessage"/>.
    /// </summary>
    /// <inheritdoc cref="IModuleHost.SubscribeAsync"/>
    protected ValueTask<IAsyncDisposable> SubscribeAsync(
        Guid service, MessageHandler handler, CancellationToken cancellation = default) =>
        Host.SubscribeAsync(service, handler, cancellation);

    /// <inheritdoc cref="ModuleHostExtensions.SubscribeAsync{T}"/>
    protected ValueTask<IAsyncDisposable> SubscribeAsync<T>(
        Guid service,
        JsonTypeInfo<T> type,
        Func<T?, CancellationToken, ValueTask> handler,
        CancellationToken cancellation = default) =>
        ModuleHostExtensions.SubscribeAsync(Host, service, type, handler, cancellation);

    /// <inheritdoc cref="IModuleHost.RequestReload"/>
    protected void RequestReload() => Host.RequestReload();

    /// <summary>For the host: a message for a module that handles none with tasks.</summary>
    internal void Receive(in Message message) => OnMessage(in message);

    /// <summary>
    /// For the host: what the base constructor of the module made in <paramref name="make"/> finds.
    /// </summary>
    internal static Module Construct(IModuleHost host, Func<Module> make)
    {
        IModuleHost? before = s_constructing;
        s_constructing = host;
        try
        {
            return make();
        }
        finally
        {
            s_constructing = before;
        }
    }

    /// <summary>A method of its own: what looks for the host is in every send.</summary>
    private static IModuleHost FailWithoutHost() =>
        throw new InvalidOperationException("The module was not made by a host.");
}
