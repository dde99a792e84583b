// SPDX-License-Identifier: MIT
// Answers HTTP on a port of the system's choice, asks itself once, and stops in order.
using System;
using System.Linq;
using System.Net.Http;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

namespace WebServer;

public sealed class WebServerModule : Module
{
    private WebApplication? _server;

    protected override async ValueTask OnStartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.MapGet("/", () => "answered");
        await _server.StartAsync(Stopping).ConfigureAwait(false);

        using HttpClient client = new();
        string answer = await client.GetStringAsync(new Uri(_server.Urls.First()), Stopping)
            .ConfigureAwait(false);
        Logger.LogInformation("{Answer}", answer);
    }

    protected override async ValueTask OnStopAsync()
    {
        await _server!.StopAsync().ConfigureAwait(false);
        await _server.DisposeAsync().ConfigureAwait(false);
    }
}
