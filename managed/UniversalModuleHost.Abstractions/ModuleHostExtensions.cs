// SPDX-License-Identifier: MIT
// The host's functions for whoever has them injected: texts and JSON.
using System;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;

namespace UniversalModuleHost;

/// <summary>
/// Publish texts and JSON, and receive JSON, with an <see cref="IModuleHost"/>. A module has the
/// same as methods of its own; this is for services that have the host injected.
/// </summary>
public static class ModuleHostExtensions
{
    private const int StackBytes = 1024;

    /// <summary>Publish a text, waiting for room.</summary>
    /// <inheritdoc cref="IModuleHost.Send"/>
    [SkipLocalsInit]
    public static SendResult Send(
        this IModuleHost host,
        Guid service,
        string text,
        uint session = Sessions.Any,
        TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        using EncodedText encoded = new(text, stackalloc byte[StackBytes]);
        return encoded.IsText
            ? host.Send(service, encoded.Utf8, session, timeout ?? Timeout.InfiniteTimeSpan)
            : SendResult.NotText;
    }

    /// <summary>Publish a value as JSON, waiting for room.</summary>
    /// <param name="host">The module's host.</param>
    /// <param name="service">The service to publish to.</param>
    /// <param name="value">What to publish.</param>
    /// <param name="type">How it is written; of a source-generated context.</param>
    /// <param name="session">The session to publish to.</param>
    /// <param name="timeout">How long to wait; by default as long as the module runs.</param>
    public static SendResult Send<T>(
        this IModuleHost host,
        Guid service,
        T value,
        JsonTypeInfo<T> type,
        uint session = Sessions.Any,
        TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        return host.Send(
            service,
            JsonSerializer.SerializeToUtf8Bytes(value, type),
            session,
            timeout ?? Timeout.InfiniteTimeSpan);
    }

    /// <summary>Publish a text if there is room now.</summary>
    [SkipLocalsInit]
    public static SendResult TrySend(
        this IModuleHost host, Guid service, string text, uint session = Sessions.Any)
    {
        ArgumentNullException.ThrowIfNull(host);
        using EncodedText encoded = new(text, stackalloc byte[StackBytes]);
        return encoded.IsText
            ? host.TrySend(service, encoded.Utf8, session)
            : SendResult.NotText;
    }

    /// <summary>Publish a value as JSON if there is room now.</summary>
    public static SendResult TrySend<T>(
        this IModuleHost host,
        Guid service,
        T value,
        JsonTypeInfo<T> type,
        uint session = Sessions.Any)
    {
        ArgumentNullException.ThrowIfNull(host);
        return host.TrySend(service, JsonSerializer.SerializeToUtf8Bytes(value, type), session);
    }

    /// <summary>Publish a text, waiting for room without blocking a thread.</summary>
    /// <exception cref="SendException">The message was not accepted.</exception>
    public static ValueTask SendAsync(
        this IModuleHost host,
        Guid service,
        string text,
        uint session = Sessions.Any,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        return EncodedText.TryEncode(text, out ReadOnlyMemory<byte> utf8)
            ? host.SendAsync(service, utf8, session, cancellation)
            : ValueTask.FromException(new SendException(SendResult.NotText));
    }

    /// <summary>
    /// Publish a value as JSON, waiting for room without blocking a thread.
    /// </summary>
    /// <exception cref="SendException">The message was not accepted.</exception>
    public static ValueTask SendAsync<T>(
        this IModuleHost host,
        Guid service,
        T value,
        JsonTypeInfo<T> type,
        uint session = Sessions.Any,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        byte[] utf8 = JsonSerializer.SerializeToUtf8Bytes(value, type);
        return host.SendAsync(service, utf8, session, cancellation);
    }

    /// <summary>
    /// Have a handler take the messages of a service as the values that their JSON says. What is no
    /// such JSON is an exception of the handler.
    /// </summary>
    /// <returns>Disposed, the handler is given no more.</returns>
    public static ValueTask<IAsyncDisposable> SubscribeAsync<T>(
        this IModuleHost host,
        Guid service,
        JsonTypeInfo<T> type,
        Func<T?, CancellationToken, ValueTask> handler,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(handler);
        CancellationToken stopping = host.Stopping;
        return host.SubscribeAsync(
            service,
            (in Message message) => handler(message.ReadJson(type), stopping),
            cancellation);
    }
}
