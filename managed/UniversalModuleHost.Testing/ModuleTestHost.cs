// SPDX-License-Identifier: MIT
// A module in the process of its test.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using UniversalModuleHost.Hosting;

namespace UniversalModuleHost.Testing;

/// <summary>
/// Runs a module as its host does, without a host: made with its <c>Config</c>, started, given
/// messages one after the other, stopped and disposed. What it publishes, logs and throws is kept.
/// </summary>
/// <typeparam name="TModule">The module.</typeparam>
public sealed class ModuleTestHost<TModule> : IAsyncDisposable
    where TModule : Module
{
    private readonly TestBus _bus;
    private readonly ModuleServices? _services;
    private readonly SemaphoreSlim _calls = new(1);
    private readonly ConcurrentQueue<Failure> _failures = new();
    private bool _wasStarted;
    private bool _wasStopped;

    /// <summary>Makes the module.</summary>
    /// <param name="config">Its <c>Config</c>, as JSON.</param>
    /// <param name="identity">Who it is; by default its class's name in a host "test".</param>
    /// <exception cref="InvalidOperationException">
    /// The module was built against later assemblies than those that a host shares with it.
    /// </exception>
    public ModuleTestHost(string config = "{}", ModuleIdentity? identity = null)
    {
        Type type = typeof(TModule);
        CheckReferences(type.Assembly);
        _bus = new TestBus(config, identity ?? Identify(type), Time);
        if (ModuleServices.AreWantedBy(type))
            _services = new ModuleServices(type, _bus, _bus.Loggers, Report);
        Module = (TModule)UniversalModuleHost.Module.Construct(
            _bus, () => _services?.Create(type) ?? (Module)Activator.CreateInstance(type)!);
        foreach (Guid service in Module.Services)
            _bus.Subscribe(service);
    }

    /// <summary>The module.</summary>
    public TModule Module { get; }

    /// <summary>The clock that the module sees.</summary>
    public ManualTime Time { get; } = new();

    /// <summary>What the module published, in order.</summary>
    public IReadOnlyList<SentMessage> Sent => [.. _bus.Sent];

    /// <summary>Wait until the module has published so many messages in all.</summary>
    /// <param name="count">How many, at least.</param>
    /// <param name="timeout">Of the real clock; by default ten seconds.</param>
    /// <exception cref="TimeoutException">There were not so many by then.</exception>
    public Task WaitForSentAsync(int count, TimeSpan? timeout = null) =>
        _bus.WaitForSentAsync(count, timeout);

    /// <summary>What the module logged, in order.</summary>
    public IReadOnlyList<LogEntry> Records => [.. _bus.Loggers.Entries];

    /// <summary>
    /// What the module's handlers and background services threw: under a host it lives on, unless
    /// its <c>OnException</c> says otherwise.
    /// </summary>
    public IReadOnlyList<Failure> Failures => [.. _failures];

    /// <summary>What the module receives now.</summary>
    public IReadOnlyCollection<Guid> Subscribed => [.. _bus.Subscribed];

    /// <summary>How often the module asked to be reloaded.</summary>
    public int ReloadRequests => _bus.ReloadRequests;

    /// <summary>What its sends answer instead of Ok, by service and text; null: always Ok.</summary>
    public Func<Guid, string, SendResult>? OnSend
    {
        get => _bus.OnSend;
        set => _bus.OnSend = value;
    }

    /// <summary>
    /// Starts the module, then its hosted services. What they throw is thrown here.
    /// </summary>
    /// <param name="state">What a predecessor has left to it; null: nothing.</param>
    public async Task StartAsync(string? state = null)
    {
        _wasStarted = true;
        _bus.IsOpen = true;
        if (state is not null && Module is IReloadState successor)
            successor.RestoreState(state);
        await Module.OnStartAsync().ConfigureAwait(false);
        if (_services is not null)
            await _services.StartAsync(_bus.Stopping).ConfigureAwait(false);
    }

    /// <summary>
    /// Gives the module a message and waits for its handler. One that it has not subscribed to does
    /// not reach it, as with a host.
    /// </summary>
    /// <returns>False: it has not subscribed to the service.</returns>
    public async Task<bool> DeliverAsync(
        Guid service, string text, uint session = Sessions.Any, uint sourceSession = Sessions.Broker)
    {
        if (!_bus.Subscribed.Contains(service))
            return false;
        await _calls.WaitAsync().ConfigureAwait(false);
        try
        {
            MessageHandler[] handlers = _bus.Handlers.Find(service);
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            if (handlers.Length == 0)
                handlers = [Module.OnMessageAsync];
            foreach (MessageHandler handler in handlers)
            {
                await Try($"message to {service}", () => handler(
                        new Message(service, utf8, session, 0, 0, sourceSession)))
                    .ConfigureAwait(false);
            }
        }
        finally
        {
            _calls.Release();
        }
        return true;
    }

    /// <summary>Changes the module's <c>Config</c> while it runs.</summary>
    /// <returns>False: a host would reload it, because it does not take the change over.</returns>
    public async Task<bool> ConfigureAsync(string config)
    {
        await _calls.WaitAsync().ConfigureAwait(false);
        try
        {
            _bus.Values.Replace(config);
            return Module.OnConfigure() || _bus.Values.IsWatched;
        }
        finally
        {
            _calls.Release();
        }
    }

    /// <summary>
    /// Stops the module and its hosted services: its token first, while a handler may still run.
    /// </summary>
    /// <returns>What it leaves to its successor; null: nothing.</returns>
    public async Task<string?> StopAsync()
    {
        if (!_wasStarted || _wasStopped)
            return null;
        _wasStopped = true;
        await _bus.CancelAsync().ConfigureAwait(false);
        await _calls.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_services is not null)
                await _services.StopAsync().ConfigureAwait(false);
            await Try("OnStop", Module.OnStopAsync).ConfigureAwait(false);
            return (Module as IReloadState)?.SaveState();
        }
        finally
        {
            _bus.IsOpen = false;
            _calls.Release();
        }
    }

    /// <summary>Stops the module where that was not done, and disposes it.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        if (Module is IAsyncDisposable disposable)
            await Try("DisposeAsync", disposable.DisposeAsync).ConfigureAwait(false);
        else
            (Module as IDisposable)?.Dispose();
        if (_services is not null)
            await _services.DisposeAsync().ConfigureAwait(false);
        _bus.Dispose();
        _calls.Dispose();
    }

    /// <summary>
    /// What a host refuses is refused here, too: it shares what the contract was built against. A
    /// module that is a part of its tests is never given to a host.
    /// </summary>
    private static void CheckReferences(Assembly assembly)
    {
        AssemblyName[] references = assembly.GetReferencedAssemblies();
        AssemblyName mine = typeof(ModuleTestHost<>).Assembly.GetName();
        if (references.Any(reference => reference.Name == mine.Name))
            return;
        Version? shared = typeof(Module).Assembly.GetReferencedAssemblies()
            .Where(reference => SharedAssemblies.Contains(reference.Name))
            .Max(reference => reference.Version);
        foreach (AssemblyName reference in references)
        {
            bool isExtension = SharedAssemblies.Contains(reference.Name)
                && reference.Name != typeof(Module).Assembly.GetName().Name;
            if (isExtension && SharedAssemblies.Explain("module", reference, shared) is { } why)
                throw new InvalidOperationException(why);
        }
    }

    private static ModuleIdentity Identify(Type type) => new()
    {
        Name = type.Name,
        Host = "test",
        HostNumber = 1,
        Folder = AppContext.BaseDirectory,
        OriginalFolder = AppContext.BaseDirectory,
    };

    private async ValueTask Try(string what, Func<ValueTask> call)
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_bus.Stopping.IsCancellationRequested)
        {
            // What a stop ends has not failed.
        }
        catch (Exception exception)
        {
            Report(what, exception);
        }
    }

    private void Report(string what, Exception exception) =>
        _failures.Enqueue(new Failure(what, exception));
}
