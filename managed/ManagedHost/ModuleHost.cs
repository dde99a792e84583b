// SPDX-License-Identifier: MIT
// What a module calls: passes it over the border while the module has a table there.
using System;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// The host of one module. The native table behind it ends with the module's unloading while
/// threads the module left behind may still call: every thread says when it uses it, and
/// <see cref="Close"/> waits for those that do.
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
        fixed (byte* text = utf8)
        {
            // The call that this thread is in keeps the table: nobody needs to be told.
            return CallingThread.Mine.Called == this
                ? (SendResult)Border.Start->SendInside(
                    _table, &guid, session, text, (nuint)utf8.Length)
                : SendElsewhere(&guid, session, text, (nuint)utf8.Length, milliseconds);
        }
    }

    public SendResult TrySend(Guid service, ReadOnlySpan<byte> utf8, uint session)
    {
        NativeGuid guid = NativeGuid.From(service);
        fixed (byte* text = utf8)
        {
            if (!Enter(out CallingThread thread))
                return SendResult.Stopping;
            int result = _table->TrySend(_table, &guid, session, text, (nuint)utf8.Length);
            Leave(thread);
            return (SendResult)result;
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
        if (!Enter(out CallingThread thread))
            return false;
        int result = _table->Log(_table, (int)level, message, pairs, (nuint)count);
        Leave(thread);
        return result != (int)SendResult.Stopping;
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
        fixed (byte* text = utf8)
        {
            if (!Enter(out CallingThread thread))
                return;
            Border.Start->Failed(_table, text, (nuint)utf8.Length);
            Leave(thread);
        }
    }

    /// <summary>Code of the module ends the process now: the broker will know it.</summary>
    public void NoteEnd()
    {
        if (!Enter(out CallingThread thread))
            return;
        Border.Start->Ended(_table);
        Leave(thread);
    }

    /// <summary>What the module leaves to its successor. False: it is too long.</summary>
    public bool TryKeepState(string state)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(state);
        fixed (byte* text = utf8)
        {
            if (!Enter(out CallingThread thread))
                return false;
            int result = Border.Start->KeepState(_table, text, (nuint)utf8.Length);
            Leave(thread);
            return result == 0;
        }
    }

    /// <summary>
    /// The table is not used afterwards. What the module registered on its token or hung into its
    /// configuration is let go of.
    /// </summary>
    public void Close()
    {
        _isClosed = true;
        CallingThread.WaitUntilUnused(this);
        lock (_lock)
        {
            _stopping.Dispose();
            _configuration = null;
        }
    }

    public void RequestReload()
    {
        if (!Enter(out CallingThread thread))
            return;
        SendResult result = (SendResult)_table->Reload(_table);
        Leave(thread);

        // One that is being stopped gets no other answer than its stop.
        if (result is not (SendResult.Ok or SendResult.Stopping))
            throw new SendException(result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint ToMilliseconds(TimeSpan timeout) =>
        timeout == Timeout.InfiniteTimeSpan ? Border.Forever : ToFinite(timeout);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint ToFinite(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero);
        return (uint)Math.Min(timeout.TotalMilliseconds, Border.Forever - 1.0);
    }

    private void ChangeSubscription(Guid service, bool isWanted)
    {
        NativeGuid guid = NativeGuid.From(service);
        SendResult result = SendResult.Stopping;
        if (Enter(out CallingThread thread))
        {
            result = (SendResult)(isWanted
                ? _table->Subscribe(_table, &guid)
                : _table->Unsubscribe(_table, &guid));
            Leave(thread);
        }
        if (result != SendResult.Ok)
            throw new SendException(result);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private SendResult SendElsewhere(
        NativeGuid* service, uint session, byte* text, nuint size, uint milliseconds)
    {
        bool isInside = Flow.IsInside(this);
        if (!Enter(out CallingThread thread))
            return SendResult.Stopping;
        int result = isInside
            ? Border.Start->SendInside(_table, service, session, text, size)
            : _table->Send(_table, service, session, text, size, milliseconds);
        Leave(thread);
        return (SendResult)result;
    }

    /// <summary>
    /// The table is there until <see cref="Leave"/>, which follows without a <c>finally</c>:
    /// native functions throw nothing, and a call is slower where one could be caught.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Enter(out CallingThread thread)
    {
        // In this order: WaitUntilUnused relies on it.
        thread = CallingThread.Mine;
        thread.Used = this;
        if (!_isClosed)
            return true;
        Leave(thread);
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Leave(CallingThread thread) => thread.Used = null;
}
