// SPDX-License-Identifier: MIT
// A module with dependency injection that does what it is told, up to the end of its process.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using UniversalModuleHost;

public sealed class ClerkOptions
{
    public string Greeting { get; set; } = "none";
}

[Subscribe("7e570000-0000-4000-8000-000000000144")]
public sealed class Clerk(ILogger<Clerk> logger, IOptionsMonitor<ClerkOptions> options, Postman postman)
    : Module, IConfigureServices, IReloadState
{
    private int _count;
    private bool _grumbles;

    public static void ConfigureServices(IServiceCollection services, IModuleHost host)
    {
        services.Configure<ClerkOptions>(host.Configuration);
        services.AddSingleton<Postman>();
        services.AddHostedService(provider => provider.GetRequiredService<Postman>());
    }

    public string SaveState() => $"{_count}";

    public void RestoreState(string state) => _count = int.Parse(state);

    protected override void OnStop()
    {
        if (_grumbles)
            throw new InvalidOperationException("told to grumble");
    }

    protected override ValueTask OnMessageAsync(in Message message) => Obey(message.Text);

    private async ValueTask Obey(string text)
    {
        switch (text)
        {
            case "greeting":
                await postman.Post(options.CurrentValue.Greeting);
                break;
            case "count":
                await postman.Post($"{++_count}");
                break;
            case "log":
                using (logger.BeginScope(new Dictionary<string, object> { ["desk"] = 7 }))
                    logger.LogWarning("noted {Number}", 42);
                await postman.Post("logged");
                break;
            case "reload":
                await postman.Post("asks");
                RequestReload();
                RequestReload();
                break;
            case "wait":
                await postman.Post("waiting");
                await Task.Delay(Timeout.Infinite, Stopping); // until it is stopped, and no longer: the event
                break;
            case "throw":
                throw new InvalidOperationException("told to throw");
            case "grumble":
                _grumbles = true;
                await postman.Post("grumbles");
                break;
            case "background":
                postman.Tell("throw");
                break;
            case "fail fast":
                Environment.FailFast("told to fail fast");
                break;
            case "overflow":
                Overflow(1);
                break;
            case "exit":
                Environment.Exit(7);
                break;
            case "thread":
                ThrowOnAThread();
                break;
            case "async void":
                ThrowLater();
                break;
            default:
                await postman.Post($"heard {text}");
                break;
        }
    }

    private static int Overflow(int depth) => depth == 0 ? 0 : Overflow(depth + 1) + depth;

    private static void ThrowOnAThread()
    {
        Thread thread = new(() => throw new InvalidOperationException("told to throw on a thread"));
        thread.Start();
        thread.Join();
    }

    private static async void ThrowLater()
    {
        await Task.Yield();
        throw new InvalidOperationException("told to throw later");
    }
}

/// <summary>Answers for the clerk, and says so when it is stopped.</summary>
public sealed class Postman(IModuleHost host) : BackgroundService
{
    private static readonly Guid Answers = new("7e570000-0000-4000-8000-000000000145");

    private readonly TaskCompletionSource<string> _told = new();

    public ValueTask Post(string text) => host.SendAsync(Answers, text);

    public void Tell(string text) => _told.TrySetResult(text);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Post("the postman has gone");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Post("the postman is here");
        string told = await _told.Task.WaitAsync(stoppingToken);
        throw new InvalidOperationException($"told to {told} in the background");
    }
}
