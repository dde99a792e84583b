// SPDX-License-Identifier: MIT
// One managed module: calls it on a flow of its own and lets no exception out.
using System;
using System.Collections.Generic;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.Loader;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// What the handle on the other side of the border stands for. Called by one thread at a time.
/// Everything here that touches an object of the module is a method of its own and not inlined: a
/// caller's temporaries would keep it alive.
/// </summary>
internal sealed unsafe class ManagedModule
{
    private static readonly ContextCallback s_construct =
        static self => Self(self).ConstructInFlow();

    private static readonly ContextCallback s_start = static self => Self(self).StartInFlow();
    private static readonly ContextCallback s_receive = static self => Self(self).ReceiveInFlow();
    private static readonly ContextCallback s_receiveAsync =
        static self => Self(self).ReceiveAsyncInFlow();

    private static readonly ContextCallback s_configure =
        static self => Self(self).ConfigureInFlow();

    private static readonly ContextCallback s_stop = static self => Self(self).StopInFlow();

    private delegate ValueTask Handler(in Message message);

    private readonly ExecutionContext _flow;
    private AssemblyLoadContext? _context;
    private Type? _type;
    private Module? _module;
    private NativeMessage* _message;
    private bool _wasStarted;
    private string _config = string.Empty;
    private bool _isConfigured;
    private bool _isReload;
    private bool _isAsync;
    private int _failures;
    private ModuleServices? _services;

    public ManagedModule(ModuleHost host, AssemblyLoadContext context, Type type)
    {
        Host = host;
        _context = context;
        _type = type;
        _flow = new Flow(host).Capture();
    }

    public ModuleHost Host { get; }

    /// <summary>
    /// What it receives from the beginning; no list of GUIDs, which would have to be compiled at
    /// the start.
    /// </summary>
    public NativeGuid[] Services { get; } = new NativeGuid[NativeFacts.ServicesMax];

    public int ServiceCount { get; private set; }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Construct() => Run(s_construct);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Start()
    {
        _wasStarted = true;
        Run(s_start);
    }

    /// <summary>
    /// Returns when the handler's task has completed. Most messages come on a thread that does
    /// nothing but deliver them, to a handler without tasks: these take a shorter way to the same.
    /// </summary>
    public void Receive(NativeMessage* message)
    {
        CallingThread thread = CallingThread.Mine;
        if (_isAsync || !thread.IsIdle)
        {
            ReceiveByRun(thread, message);
            return;
        }
        thread.Begin(Host, _flow);
        try
        {
            Dispatch(message);
        }
        catch (Exception exception)
        {
            Report("OnMessage", exception);
        }
        finally
        {
            thread.End(_flow);
        }
    }

    /// <summary>
    /// Another <c>Config</c>, as JSON text. False: the module did not take it over and is to be
    /// reloaded.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool Configure(string config)
    {
        _config = config;
        _isConfigured = false;
        Run(s_configure);
        return _isConfigured;
    }

    /// <summary>
    /// Cancels the token, then stops and disposes the module. Each part is tried whatever the
    /// others did.
    /// </summary>
    /// <param name="isReload">A successor follows, which may be left something.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Stop(bool isReload)
    {
        _isReload = isReload;
        Run(s_stop);
        Host.Console.End();
    }

    /// <summary>
    /// Let go of the module and ask its context to unload. What comes back is all that is left: it
    /// dies when the context does.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public WeakReference Release()
    {
        WeakReference context = new(_context, trackResurrection: true);
        Host.Close();
        _module = null;
        _services = null;
        _type = null;
        _context?.Unload();
        _context = null;
        return context;
    }

    /// <summary>Why it failed. Assemblies are loaded where they are first used.</summary>
    public string Explain(Exception exception) =>
        (_type is { } type
            ? new LoadFailure(type.Assembly.Location, Host.Identity.OriginalFolder)
                .ExplainMissing(exception)
            : null)
        ?? HostLog.Describe(exception);

    private static ManagedModule Self(object? self) => (ManagedModule)self!;

    private void Run(ContextCallback call)
    {
        CallingThread thread = CallingThread.Mine;
        ModuleHost? before = thread.Called;
        thread.Called = Host;
        try
        {
            ExecutionContext.Run(_flow, call, this);
        }
        finally
        {
            thread.Called = before;
        }
    }

    private void ReceiveByRun(CallingThread thread, NativeMessage* message)
    {
        _message = message;
        Run(_isAsync ? s_receiveAsync : s_receive);
        thread.Count();
    }

    private void ConstructInFlow()
    {
        using FlowScope scope = new(Host);
        _module = ModuleServices.AreWantedBy(_type!)
            ? CreateWithServices()
            : Module.Construct(Host, Create);
        foreach (Guid service in _module.Services)
        {
            if (ServiceCount == Services.Length)
                throw new LoadException($"the module names more than {Services.Length} services");
            Services[ServiceCount++] = NativeGuid.From(service);
            Host.Handlers.SetOwn(service, isOwn: true);
        }
        _isAsync = HandlesAsync(_module);
    }

    private Module Create()
    {
        try
        {
            return (Module)Activator.CreateInstance(_type!)!;
        }
        catch (MissingMethodException) when (_type!.GetConstructor(Type.EmptyTypes) is null)
        {
            throw new LoadException(
                "its class has no public constructor without parameters; "
                + "one with parameters is for a class that implements IConfigureServices");
        }
    }

    /// <summary>Not inlined: a module without dependency injection does not load it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Module CreateWithServices()
    {
        _services = new ModuleServices(_type!, Host, new ModuleLoggers(Host.Log), Report);
        try
        {
            return Module.Construct(Host, () => _services.Create(_type!));
        }
        catch
        {
            Try("the services", DisposeServices);
            throw;
        }
    }

    private void StartInFlow()
    {
        using FlowScope scope = new(Host);
        if (Host.ReloadState is { } state && _module is IReloadState successor)
            successor.RestoreState(state);
        Complete(_module!.OnStartAsync());
        if (_services is not null)
            StartServices();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void StartServices() =>
        _services!.StartAsync(Host.Stopping).GetAwaiter().GetResult();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void StopServices() => _services!.StopAsync().GetAwaiter().GetResult();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void DisposeServices()
    {
        Complete(_services!.DisposeAsync());
        _services = null;
    }

    private void ReceiveInFlow()
    {
        try
        {
            Dispatch(_message);
        }
        catch (Exception exception)
        {
            Report("OnMessage", exception);
        }
    }

    /// <summary>
    /// Costs objects per message that only a handler with tasks is worth: its flow ends with its
    /// task.
    /// </summary>
    private void ReceiveAsyncInFlow()
    {
        using FlowScope scope = new(Host);
        ReceiveInFlow();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Dispatch(NativeMessage* native)
    {
        Message message = new(
            native->Service.ToGuid(),
            new ReadOnlySpan<byte>(native->Text, (int)native->TextBytes),
            native->Session,
            native->SourceHost,
            native->SourceSlot,
            native->SourceSession);
        if (!_isAsync && Host.Handlers.IsEmpty)
            _module!.Receive(in message);
        else
            Route(in message);
    }

    private void Route(in Message message)
    {
        if (Host.Handlers.Find(message.Service) is { Length: > 0 } found)
            Call(found, in message);
        else
            Complete(_module!.OnMessageAsync(in message));
    }

    /// <summary>One after the other: none of them is called beside another.</summary>
    private void Call(MessageHandler[] handlers, in Message message)
    {
        using FlowScope scope = new(Host);
        foreach (MessageHandler handler in handlers)
        {
            try
            {
                Complete(handler(in message));
            }
            catch (Exception exception)
            {
                Report($"the handler of {message.Service}", exception);
            }
        }
    }

    private void ConfigureInFlow()
    {
        using FlowScope scope = new(Host);
        bool isWatched = Host.Configure(_config);
        _isConfigured = _module!.OnConfigure() || isWatched;
    }

    private void StopInFlow()
    {
        using FlowScope scope = new(Host);
        Try("the stopping token's callbacks", Host.CancelStopping);
        if (_services is not null)
            Try("the hosted services", StopServices);
        if (_wasStarted)
            Try("OnStop", () => Complete(_module!.OnStopAsync()));
        if (_wasStarted && _isReload && _module is IReloadState)
            Try("SaveState", SaveState);
        switch (_module)
        {
            case IAsyncDisposable disposable:
                Try("DisposeAsync", () => Complete(disposable.DisposeAsync()));
                break;
            case IDisposable disposable:
                Try("Dispose", disposable.Dispose);
                break;
        }
        if (_services is not null)
            Try("the services", DisposeServices);
    }

    private void SaveState()
    {
        if (((IReloadState)_module!).SaveState() is not { } state)
            return;
        if (state.Contains('\0'))
            throw new InvalidOperationException("the state has a NUL in it");
        if (!Host.TryKeepState(state))
            throw new InvalidOperationException("the state is longer than 64 KiB");
    }

    private void Try(string what, Action call)
    {
        try
        {
            call();
        }
        catch (Exception exception)
        {
            Report(what, exception);
        }
    }

    private void Report(string what, Exception exception)
    {
        if (exception is OperationCanceledException && Host.Stopping.IsCancellationRequested)
            return;
        string message = $"{what} failed: {Explain(exception)}";
        int failures = Interlocked.Increment(ref _failures);
        Host.Log.Write(LogLevel.Error, message, exception, failures);
        Host.CountFailure(message);
    }

    private static void Complete(ValueTask task)
    {
        if (task.IsCompletedSuccessfully)
            return;
        task.AsTask().GetAwaiter().GetResult();
    }

    private static bool HandlesAsync(Module module)
    {
        Handler handler = module.OnMessageAsync;
        return handler.Method.DeclaringType != typeof(Module);
    }

    /// <summary>A call whose flow is inside until it has completed.</summary>
    private readonly ref struct FlowScope : IDisposable
    {
        private readonly Flow _flow;

        public FlowScope(ModuleHost host)
        {
            _flow = new Flow(host) { IsHandling = true };
            _flow.Begin();
        }

        public void Dispose() => _flow.IsHandling = false;
    }
}
