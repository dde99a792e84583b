// SPDX-License-Identifier: MIT
// A module that answers HTTP on loopback, and says in which runtime it finds itself.
using System;
using System.Globalization;
using System.Linq;
using System.Runtime;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

[Subscribe("7e570000-0000-4000-8000-0000000001e0")]
public sealed class Kestrel : Module
{
    private static readonly Guid Answers = new("7e570000-0000-4000-8000-0000000001e1");

    private IAsyncDisposable? _web;

    protected override ValueTask OnMessageAsync(in Message message) => Obey(message.Text);

    protected override ValueTask OnStopAsync() => _web?.DisposeAsync() ?? default;

    private async ValueTask Obey(string text) => await SendAsync(Answers, text switch
    {
        "listen" => await Listen(),
        "runtime" => Describe(),
        "shared" => DescribeShared(),
        "culture" => $"{1.5.ToString(CultureInfo.GetCultureInfo("de-DE"))}",
        _ => $"{AppContext.GetData(text)}",
    });

    // Apart, so that the module itself is whole without the framework.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<string> Listen()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        WebApplication web = builder.Build();
        web.MapGet("/", () => $"hello from {Identity.Name}");
        _web = web;
        await web.StartAsync();
        return web.Urls.First();
    }

    private static string Describe() =>
        $"server={GCSettings.IsServerGC} latency={GCSettings.LatencyMode} "
        + $"heap={GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20} "
        + $"{RuntimeInformation.FrameworkDescription}";

    /// <summary>What module and host exchange is there once, and the framework is nobody's own.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string DescribeShared()
    {
        int count = AppDomain.CurrentDomain.GetAssemblies()
            .Count(assembly => assembly.GetName().Name == "Microsoft.Extensions.Logging.Abstractions");
        bool isHosts = AssemblyLoadContext.GetLoadContext(typeof(ILogger).Assembly) == AssemblyLoadContext.Default;
        bool isShared =
            AssemblyLoadContext.GetLoadContext(typeof(WebApplication).Assembly) == AssemblyLoadContext.Default;
        return $"{count} {isHosts} {isShared} {typeof(WebApplication).Assembly.Location}";
    }
}
