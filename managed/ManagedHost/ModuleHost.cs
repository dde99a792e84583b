// SPDX-License-Identifier: MIT
// What a module calls: passes it over the border while the module has a table there.
using System;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// The host of one module. The native table behind it ends with the module's unloading while
/// threads the module left behind may still call: every use of it is counted, and
/// <see cref="Close"/> waits for those under way.
/// </summary>
internal sealed unsafe class ModuleHost : IModuleHost
{
    private readonly NativeHost* _table;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private string _config;
    private ModuleConfiguration? _configuration;
    private AsyncSender? _sender;
    private Task? _cancelling;
    private int _calls;
    private volatile bool _isClosed;

    public ModuleHost(NativeHost* table, string config, LogLevel level)
    {
        NativeIdentity* identity = table->Identity(table);
        _table = table;
        _config = config;
        Stopping = _stopping.Token;
        MaxMessageBytes = (int)Math.Min(table->MaxMessageBytes(table), int.MaxValue);
        Identity = new ModuleIdentity
        {
            Name = Border.ToText(identity->Module),
            Host = Border.ToText(identity->Host),
            HostService = identity->HostService.ToGuid(),
            HostNumber = identity->HostNumber,
            Session = identity->Session,
            Slot = identity->Slot,
            Folder = Border.ToText(identity->Folder),
            OriginalFolder = Border.ToText(identity->OriginalFolder),
        };
        Log = new ModuleLogger(this, level);
        Console = new ConsoleLines(this);
        Handlers = new MessageHandlers(
            service => ChangeSubscription(service, isWanted: true),
            service => ChangeSubscription(service, isWanted: false));
    }

    public ModuleIdentity Identity { get; }

    public ModuleLogger Log { get; }

    public ConsoleLines Console { get; }

    public MessageHandlers Handlers { get; }

    /// <summary>What the module's predecessor left to it; null: nothing.</summary>
    public string? ReloadState { get; init; }

    public CancellationToken Stopping { get; }

    public int MaxMessageBytes { get; }

    ILogger IModuleHost.Logger => Log;

    public IConfiguration Configuration
    {
        get
        {
            lock (_lock)
                return _configuration ??= new ModuleConfiguration(_config);
        }
    }

    private AsyncSender Sender
    {
        get
        {
            lock (_lock)
                return _sender ??= new AsyncSender(this);
        }
    }

    public SendResult Send(Guid service, ReadOnlySpan<byte> utf8, uint session, TimeSpan timeout)
    {
        uint milliseconds = ToMilliseconds(timeout);
        NativeGuid guid = NativeGuid.From(service);
        if (!Enter())
            return SendResult.Stopping;
        try
        {
            fixed (byte* text = utf8)
            {
                return (SendResult)(Flow.IsInside(this)
                    ? Border.Start->SendInside(_table, &guid, session, text, (nuint)utf8.Length)
                    : _table->Send(_table, &guid, session, text, (nuint)utf8.Length, milliseconds));
            }
        }
        finally
        {
            Leave();
        }
    }

    public SendResult TrySend(Guid service, ReadOnlySpan<byte> utf8, uint session)
    {
        NativeGuid guid = NativeGuid.From(service);
        if (!Enter())
            return SendResult.Stopping;
        try
        {
            fixed (byte* text = utf8)
            {
                return (SendResult)_table->TrySend(
                    _table, &guid, session, text, (nuint)utf8.Length);
            }
        }
        finally
        {
            Leave();
        }
    }

    public ValueTask SendAsync(
        Guid service, ReadOnlyMemory<byte> utf8, uint session, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
            return ValueTask.FromCanceled(cancellation);
        if (!Flow.IsInside(this))
            return Sender.SendAsync(service, utf8, session, cancellation);
        SendResult result = Send(service, utf8.Span, session, TimeSpan.Zero);
        return result == SendResult.Ok
            ? default
            : ValueTask.FromException(new SendException(result));
    }

    /// <summary>
    /// Another <c>Config</c>: what was given out shows it from now on. True: somebody watches it.
    /// </summary>
    public bool Configure(string config)
    {
        ModuleConfiguration? configuration;
        lock (_lock)
        {
            _config = config;
            configuration = _configuration;
        }
        configuration?.Replace(config);
        return configuration is { IsWatched: true };
    }

    public void Subscribe(Guid service)
    {
        ChangeSubscription(service, isWanted: true);
        Handlers.SetOwn(service, isOwn: true);
    }

    public void Unsubscribe(Guid service)
    {
        ChangeSubscription(service, isWanted: false);
        Handlers.SetOwn(service, isOwn: false);
    }

    public ValueTask<IAsyncDisposable> SubscribeAsync(
        Guid service, MessageHandler handler, CancellationToken cancellation) =>
        cancellation.IsCancellationRequested
            ? ValueTask.FromCanceled<IAsyncDisposable>(cancellation)
            : new ValueTask<IAsyncDisposable>(Handlers.Add(service, handler));

    /// <summary>False: the module's way to the log has ended.</summary>
    public bool TryLog(LogLevel level, byte* message, NativePair* pairs, int count)
    {
        if (!Enter())
            return false;
        try
        {
            int result = _table->Log(_table, (int)level, message, pairs, (nuint)count);
            return result != (int)SendResult.Stopping;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>
    /// The module is to stop as soon as the call that it is in returns: what awaits the token need
    /// not wait for that. Its callbacks run elsewhere, so this returns at once.
    /// </summary>
    public void BeginStopping()
    {
        lock (_lock)
        {
            if (!_isClosed)
                _cancelling ??= _stopping.CancelAsync();
        }
    }

    /// <summary>The token first, so that what waits for it ends while OnStop runs.</summary>
    public void CancelStopping()
    {
        Task? begun;
        lock (_lock)
            begun = _cancelling;
        if (begun is null)
            _stopping.Cancel();
        else
            begun.GetAwaiter().GetResult();
    }

    /// <summary>
    /// A callback of the module threw: counted by the host, and judged by its OnException.
    /// </summary>
    public void CountFailure(string what)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(what);
        if (!Enter())
            return;
        try
        {
            fixed (byte* text = utf8)
                Border.Start->Failed(_table, text, (nuint)utf8.Length);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Code of the module ends the process now: the broker will know it.</summary>
    public void NoteEnd()
    {
        if (!Enter())
            return;
        Border.Start->Ended(_table);
        Leave();
    }

    /// <summary>What the module leaves to its successor. False: it is too long.</summary>
    public bool TryKeepState(string state)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(state);
        if (!Enter())
            return false;
        try
        {
            fixed (byte* text = utf8)
                return Border.Start->KeepState(_table, text, (nuint)utf8.Length) == 0;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>
    /// The table is not used afterwards. What the module registered on its token or hung into its
    /// configuration is let go of.
    /// </summary>
    public void Close()
    {
        SpinWait spin = default;
        _isClosed = true;
        while (Volatile.Read(ref _calls) != 0)
            spin.SpinOnce();
        lock (_lock)
        {
            _stopping.Dispose();
            _configuration = null;
        }
    }

    public void RequestReload()
    {
        if (!Enter())
            return;
        try
        {
            // One that is being stopped gets no other answer than its stop.
            SendResult result = (SendResult)_table->Reload(_table);
            if (result is not (SendResult.Ok or SendResult.Stopping))
                throw new SendException(result);
        }
        finally
        {
            Leave();
        }
    }

    private static uint ToMilliseconds(TimeSpan timeout)
    {
        if (timeout == Timeout.InfiniteTimeSpan)
            return Border.Forever;
        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero);
        return (uint)Math.Min(timeout.TotalMilliseconds, Border.Forever - 1.0);
    }

    private void ChangeSubscription(Guid service, bool isWanted)
    {
        NativeGuid guid = NativeGuid.From(service);
        SendResult result = SendResult.Stopping;
        if (Enter())
        {
            try
            {
                result = (SendResult)(isWanted
                    ? _table->Subscribe(_table, &guid)
                    : _table->Unsubscribe(_table, &guid));
            }
            finally
            {
                Leave();
            }
        }
        if (result != SendResult.Ok)
            throw new SendException(result);
    }

    private bool Enter()
    {
        Interlocked.Increment(ref _calls);
        if (!_isClosed)
            return true;
        Leave();
        return false;
    }

    private void Leave() => Interlocked.Decrement(ref _calls);
}
