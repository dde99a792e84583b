// SPDX-License-Identifier: MIT
// A module as an ASP.NET developer writes one: options, a logger, hosted services, injected.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.ComponentModel.DataAnnotations;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UniversalModuleHost;

namespace Hosted;

public sealed class HostedOptions
{
    [Range(1, 100)]
    public int Limit { get; set; } = 10;

    public string Greeting { get; set; } = "hello";
}

/// <summary>What happened, in order.</summary>
public sealed class Diary(IModuleHost host) : IDisposable
{
    public static readonly Guid Service = new("22222222-2222-2222-2222-222222222222");

    public void Note(string what) => host.TrySend(Service, what);

    public void Dispose() => host.Logger.LogInformation("the diary is closed");
}

[Subscribe("11111111-1111-1111-1111-111111111111")]
public sealed class HostedModule(
    ILogger<HostedModule> logger, IOptionsMonitor<HostedOptions> options, Diary diary)
    : Module, IConfigureServices
{
    public static void ConfigureServices(IServiceCollection services, IModuleHost host)
    {
        if (host.Configuration["ConfigureServices"] == "throws")
            throw new InvalidOperationException("the services do not like it here");
        services.AddOptions<HostedOptions>().Bind(host.Configuration.GetSection("Options"))
            .ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<Diary>();
        services.AddHostedService<First>();
        services.AddHostedService<Ticker>();
        if (host.Configuration["Missing"] == "true")
            services.AddHostedService<NeedsTheImpossible>();
    }

    protected override void OnStart() => diary.Note("OnStart");

    protected override void OnStop() => diary.Note("OnStop");

    protected override void OnMessage(in Message message)
    {
        using (logger.BeginScope(new Dictionary<string, object> { ["request"] = 17 }))
            logger.LogInformation("asked {Question}", message.Text);
        diary.Note($"{options.CurrentValue.Greeting} {options.CurrentValue.Limit}");
    }
}

public sealed class First(Diary diary, IHostApplicationLifetime lifetime) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Note("first starting");

    public Task StartAsync(CancellationToken cancellationToken) => Note("first start");

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStarted.Register(() => diary.Note("application started"));
        return Note("first started");
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Note("first stopping");

    public Task StopAsync(CancellationToken cancellationToken) => Note("first stop");

    public Task StoppedAsync(CancellationToken cancellationToken) => Note("first stopped");

    private Task Note(string what)
    {
        diary.Note(what);
        return Task.CompletedTask;
    }
}

/// <summary>Runs until the stop.</summary>
public sealed class Ticker(
    Diary diary, IConfiguration configuration, TimeProvider time, ILoggerFactory loggers)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        loggers.CreateLogger("clock").LogInformation("ticks");
        if (configuration["Ticker"] == "throws")
            throw new InvalidOperationException("the ticker does not like it here");
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stoppingToken).ConfigureAwait(false);
        }
        finally
        {
            diary.Note("ticker ends");
        }
    }
}

public sealed class NeedsTheImpossible(ConcurrentBag<Uri> bag) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.FromResult(bag.Count);
}
