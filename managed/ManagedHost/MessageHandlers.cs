// SPDX-License-Identifier: MIT
// Which messages go to a handler of their own instead of OnMessage.
using System;
using System.Threading;
using System.Threading.Tasks;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// Services that the module receives, with the handlers that take them. Arrays that are replaced,
/// because a message looks here without a lock, and because a collection of GUIDs would have to be
/// compiled at the start.
/// </summary>
internal sealed class MessageHandlers(Action<Guid> subscribe, Action<Guid> unsubscribe)
{
    private readonly Lock _lock = new();
    private volatile Entry[] _entries = [];
    private volatile int _count;

    /// <summary>True: no message has to look.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>
    /// The module receives the service without a handler too, or no longer: what it keeps when the
    /// last handler has gone.
    /// </summary>
    public void SetOwn(Guid service, bool isOwn)
    {
        lock (_lock)
        {
            Entry entry = FindOrAdd(service);
            entry.IsOwn = isOwn;
        }
    }

    /// <summary>The handlers of a service; empty: the module takes it itself.</summary>
    public MessageHandler[] Find(Guid service)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.Service == service)
                return entry.Handlers;
        }
        return [];
    }

    public IAsyncDisposable Add(Guid service, MessageHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        lock (_lock)
        {
            Entry entry = FindOrAdd(service);
            bool isFirst = entry.Handlers.Length == 0;

            // Before the subscription, whose first message may come at once.
            entry.Handlers = [.. entry.Handlers, handler];
            _count++;
            if (isFirst && !entry.IsOwn)
                SubscribeOrForget(entry);
        }
        return new Subscription(this, service, handler);
    }

    private void SubscribeOrForget(Entry entry)
    {
        try
        {
            subscribe(entry.Service);
        }
        catch
        {
            entry.Handlers = [];
            _count--;
            throw;
        }
    }

    private Entry FindOrAdd(Guid service)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.Service == service)
                return entry;
        }
        Entry added = new(service);
        _entries = [.. _entries, added];
        return added;
    }

    private void Remove(Guid service, MessageHandler handler)
    {
        lock (_lock)
        {
            Entry entry = FindOrAdd(service);
            int at = Array.IndexOf(entry.Handlers, handler);
            if (at < 0)
                return;
            entry.Handlers = [.. entry.Handlers[..at], .. entry.Handlers[(at + 1)..]];
            _count--;
            if (entry.Handlers.Length == 0 && !entry.IsOwn)
                unsubscribe(service);
        }
    }

    private sealed class Entry(Guid service)
    {
        private volatile MessageHandler[] _handlers = [];

        public Guid Service => service;

        public MessageHandler[] Handlers
        {
            get => _handlers;
            set => _handlers = value;
        }

        public bool IsOwn { get; set; }
    }

    private sealed class Subscription(
        MessageHandlers handlers, Guid service, MessageHandler handler) : IAsyncDisposable
    {
        private int _isDisposed;

        public ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
                handlers.Remove(service, handler);
            return default;
        }
    }
}
