// SPDX-License-Identifier: MIT
// The host that a module under test sees.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using UniversalModuleHost.Hosting;

namespace UniversalModuleHost.Testing;

internal sealed class TestBus : IModuleHost, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Guid, bool> _subscribed = new();
    private Task? _cancelling;
    private readonly CountWaiters _sentWaiters;
    private int _reloadRequests;

    public TestBus(string config, ModuleIdentity identity, TimeProvider time)
    {
        Values = new ModuleConfiguration(config);
        Identity = identity;
        Time = time;
        Logger = Loggers.CreateLogger(string.Empty);
        _sentWaiters = new CountWaiters("messages were published", () => Sent.Count);
        Handlers = new MessageHandlers(
            service => _subscribed[service] = true, service => _subscribed.TryRemove(service, out _));
    }

    public ModuleConfiguration Values { get; }

    public RecordingLoggers Loggers { get; } = new();

    public MessageHandlers Handlers { get; }

    public ConcurrentQueue<SentMessage> Sent { get; } = new();

    public Func<Guid, string, SendResult>? OnSend { get; set; }

    public ICollection<Guid> Subscribed => _subscribed.Keys;

    public ModuleIdentity Identity { get; }

    public TimeProvider Time { get; }

    public ILogger Logger { get; }

    public IConfiguration Configuration => Values;

    public CancellationToken Stopping => _stopping.Token;

    public int MaxMessageBytes { get; set; } = 16 * 1024 * 1024;

    public int ReloadRequests => _reloadRequests;

    /// <summary>Messages may be sent: the module has been started.</summary>
    public bool IsOpen { get; set; }

    public SendResult Send(Guid service, ReadOnlySpan<byte> utf8, uint session, TimeSpan timeout)
    {
        if (!IsOpen)
            return SendResult.Stopping;
        if (utf8.Length > MaxMessageBytes)
            return SendResult.TooLarge;
        if (!System.Text.Unicode.Utf8.IsValid(utf8))
            return SendResult.NotText;
        string text = Encoding.UTF8.GetString(utf8);
        SendResult result = OnSend?.Invoke(service, text) ?? SendResult.Ok;
        if (result == SendResult.Ok)
        {
            Sent.Enqueue(new SentMessage(service, text, session));
            _sentWaiters.Tell();
        }
        return result;
    }

    public Task WaitForSentAsync(int count, TimeSpan? timeout) =>
        _sentWaiters.WaitAsync(count, timeout);

    public void RequestReload() => Interlocked.Increment(ref _reloadRequests);

    public SendResult TrySend(Guid service, ReadOnlySpan<byte> utf8, uint session) =>
        Send(service, utf8, session, TimeSpan.Zero);

    public ValueTask SendAsync(
        Guid service, ReadOnlyMemory<byte> utf8, uint session, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
            return ValueTask.FromCanceled(cancellation);
        SendResult result = Send(service, utf8.Span, session, TimeSpan.Zero);
        return result == SendResult.Ok
            ? default
            : ValueTask.FromException(new SendException(result));
    }

    public void Subscribe(Guid service)
    {
        _subscribed[service] = true;
        Handlers.SetOwn(service, isOwn: true);
    }

    public void Unsubscribe(Guid service)
    {
        _subscribed.TryRemove(service, out _);
        Handlers.SetOwn(service, isOwn: false);
    }

    public ValueTask<IAsyncDisposable> SubscribeAsync(
        Guid service, MessageHandler handler, CancellationToken cancellation) =>
        new(Handlers.Add(service, handler));

    public Task CancelAsync() => _cancelling ??= _stopping.CancelAsync();

    public void Dispose() => _stopping.Dispose();
}
