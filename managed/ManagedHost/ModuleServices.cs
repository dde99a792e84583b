// SPDX-License-Identifier: MIT
// The container of a module with dependency injection, and its hosted services.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// Touched only for a module that implements <see cref="IConfigureServices"/>: another does not pay
/// for what is loaded here. The container is the host's, what is in it is the module's: module and
/// host share the abstractions and nothing else.
/// </summary>
internal sealed class ModuleServices : IAsyncDisposable
{
    /// <summary>What StopAsync has until its token is cancelled: half of the default StopMs.</summary>
    public static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    private const string ValidatorName = "Microsoft.Extensions.Options.IStartupValidator";

    private readonly ServiceProvider _provider;
    private readonly Lifetime _lifetime;
    private readonly Type? _validator;
    private readonly Action<string, Exception> _report;
    private readonly List<IHostedService> _started = [];
    private IHostedService[] _hosted = [];

    /// <param name="type">The module, an <see cref="IConfigureServices"/>.</param>
    /// <param name="host">The module's host.</param>
    /// <param name="loggers">Where records go.</param>
    /// <param name="report">
    /// Told what failed where nobody waits for it: a background service, a stop.
    /// </param>
    public ModuleServices(
        Type type, IModuleHost host, ILoggerFactory loggers, Action<string, Exception> report)
    {
        ServiceCollection services = new();
        _report = report;
        _lifetime = new Lifetime(host);
        services.AddSingleton(host);
        services.AddSingleton(host.Identity);
        services.AddSingleton(host.Configuration);
        services.AddSingleton(host.Time);
        services.AddSingleton(loggers);
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddSingleton<IHostApplicationLifetime>(_lifetime);
        services.AddSingleton<IHostEnvironment>(new HostEnvironment(host.Identity));
        Configure(type, services, host);
        _validator = services.LastOrDefault(s => s.ServiceType.FullName == ValidatorName)?.ServiceType;
        _provider = services.BuildServiceProvider();
    }

    public static bool AreWantedBy(Type type) => typeof(IConfigureServices).IsAssignableFrom(type);

    public Module Create(Type type) => (Module)ActivatorUtilities.CreateInstance(_provider, type);

    /// <summary>As the generic host does: in the order in which they were added.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        Validate();
        _hosted = [.. _provider.GetServices<IHostedService>()];
        foreach (IHostedLifecycleService one in _hosted.OfType<IHostedLifecycleService>())
            await one.StartingAsync(cancellation).ConfigureAwait(false);
        foreach (IHostedService one in _hosted)
        {
            _started.Add(one);
            await one.StartAsync(cancellation).ConfigureAwait(false);
            if (one is BackgroundService { ExecuteTask: { } task })
                Watch(one.GetType(), task);
        }
        foreach (IHostedLifecycleService one in _hosted.OfType<IHostedLifecycleService>())
            await one.StartedAsync(cancellation).ConfigureAwait(false);
        _lifetime.Started.Cancel();
    }

    /// <summary>
    /// In the opposite order. Each is tried whatever the others did, and those that were begun only.
    /// </summary>
    public async Task StopAsync()
    {
        using CancellationTokenSource patience = new(StopPatience);
        CancellationToken token = patience.Token;
        IHostedService[] all = [.. _started];

        Array.Reverse(all);
        _started.Clear();
        foreach (IHostedLifecycleService one in all.OfType<IHostedLifecycleService>())
            await Try(one, "StoppingAsync", one.StoppingAsync(token)).ConfigureAwait(false);
        foreach (IHostedService one in all)
            await Try(one, "StopAsync", one.StopAsync(token)).ConfigureAwait(false);
        foreach (IHostedLifecycleService one in all.OfType<IHostedLifecycleService>())
            await Try(one, "StoppedAsync", one.StoppedAsync(token)).ConfigureAwait(false);
        _lifetime.Stopped.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        _hosted = [];
        await _provider.DisposeAsync().ConfigureAwait(false);
        _lifetime.Dispose();
    }

    /// <summary>A static method of an interface can only be called where its type is known.</summary>
    private static void Configure(Type type, IServiceCollection services, IModuleHost host) =>
        typeof(ModuleServices)
            .GetMethod(nameof(ConfigureOf), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(type)
            .CreateDelegate<Action<IServiceCollection, IModuleHost>>()(services, host);

    private static void ConfigureOf<T>(IServiceCollection services, IModuleHost host)
        where T : IConfigureServices => T.ConfigureServices(services, host);

    /// <summary>
    /// What ValidateOnStart asked for. Options are the module's own, so its types are known by name
    /// only.
    /// </summary>
    private void Validate()
    {
        if (_validator?.GetMethod("Validate") is { } validate
            && _provider.GetService(_validator) is { } validator)
            validate.CreateDelegate<Action>(validator)();
    }

    private void Watch(Type type, Task task) => task.ContinueWith(
        ended => _report(type.Name, ended.Exception!.InnerException ?? ended.Exception),
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);

    private async Task Try(IHostedService service, string what, Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _report($"{service.GetType().Name}.{what}", exception);
        }
    }

    private sealed class Lifetime(IModuleHost host) : IHostApplicationLifetime, IDisposable
    {
        public CancellationTokenSource Started { get; } = new();

        public CancellationTokenSource Stopped { get; } = new();

        public CancellationToken ApplicationStarted => Started.Token;

        public CancellationToken ApplicationStopping => host.Stopping;

        public CancellationToken ApplicationStopped => Stopped.Token;

        /// <summary>Who decides that is the broker: an operator, or the configuration.</summary>
        public void StopApplication() =>
            host.Logger.LogWarning("StopApplication has no effect: the broker stops modules");

        public void Dispose()
        {
            Started.Dispose();
            Stopped.Dispose();
        }
    }

    private sealed class HostEnvironment(ModuleIdentity identity) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = Environments.Production;

        public string ApplicationName { get; set; } = identity.Name;

        public string ContentRootPath { get; set; } = identity.Folder;

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
