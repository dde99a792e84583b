// SPDX-License-Identifier: MIT
// SendAsync outside of handlers: who has to wait for room stands in a queue per service.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// The border only has a send that blocks. So the first message that finds no room makes a queue
/// for its service, which one thread of the pool empties in order; later messages to the service
/// stand behind it.
/// </summary>
internal sealed class AsyncSender(ModuleHost host)
{
    /// <summary>How soon a cancelled send is noticed.</summary>
    private static readonly TimeSpan s_slice = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, Queue<Waiting>> _queues = [];

    public ValueTask SendAsync(
        Guid service, ReadOnlyMemory<byte> utf8, uint session, CancellationToken cancellation)
    {
        Waiting waiting;
        lock (_lock)
        {
            if (!_queues.TryGetValue(service, out Queue<Waiting>? queue))
            {
                SendResult result = host.Send(service, utf8.Span, session, TimeSpan.Zero);
                if (result == SendResult.Ok)
                    return default;
                if (result != SendResult.Full)
                    return ValueTask.FromException(new SendException(result));
                queue = new Queue<Waiting>();
                _queues.Add(service, queue);
                ThreadPool.UnsafeQueueUserWorkItem(Empty, (service, queue), preferLocal: false);
            }
            waiting = new Waiting(utf8, session, cancellation);
            queue.Enqueue(waiting);
        }
        return new ValueTask(waiting.Task);
    }

    private void Empty((Guid Service, Queue<Waiting> Queue) work)
    {
        for (;;)
        {
            Waiting waiting;
            lock (_lock)
            {
                if (!work.Queue.TryPeek(out waiting!))
                {
                    _queues.Remove(work.Service);
                    return;
                }
            }
            waiting.Complete(SendOne(work.Service, waiting));
            lock (_lock)
                work.Queue.Dequeue();
        }
    }

    private SendResult SendOne(Guid service, Waiting waiting)
    {
        TimeSpan timeout = waiting.Cancellation.CanBeCanceled ? s_slice : Timeout.InfiniteTimeSpan;
        SendResult result = SendResult.Full;
        while (result == SendResult.Full && !waiting.Cancellation.IsCancellationRequested)
        {
            result = host.Send(service, waiting.Utf8.Span, waiting.Session, timeout);
            if (host.Stopping.IsCancellationRequested)
                break;
        }
        return result;
    }

    private sealed class Waiting(
        ReadOnlyMemory<byte> utf8, uint session, CancellationToken cancellation)
        : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public ReadOnlyMemory<byte> Utf8 => utf8;

        public uint Session => session;

        public CancellationToken Cancellation => cancellation;

        public void Complete(SendResult result)
        {
            if (result == SendResult.Ok)
                TrySetResult();
            else if (cancellation.IsCancellationRequested)
                TrySetCanceled(cancellation);
            else
                TrySetException(new SendException(result));
        }
    }
}
