// SPDX-License-Identifier: MIT
// What a module may leave behind in the runtime, by name.
using System;
using System.ComponentModel;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.Loader;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;

namespace Behaviours;

public sealed record Payload(string Name, int Number);

public interface IService
{
    int Add(int one, int other);
}

public class Proxy : DispatchProxy
{
    protected override object? Invoke(MethodInfo? method, object?[]? arguments) => 3;
}

internal static class Traces
{
    [ThreadStatic]
    private static Payload? s_ofThread;

    private static Timer? s_timer;

    public static void Leave(string trace, object module, CancellationToken stopping)
    {
        switch (trace)
        {
            case "json":
                JsonSerializer.Deserialize<Payload>(JsonSerializer.Serialize(new Payload("a", 1)));
                break;
            case "type descriptor":
                TypeDescriptor.GetProperties(typeof(Payload));
                TypeDescriptor.GetConverter(typeof(Payload));
                TypeDescriptor.GetAttributes(typeof(Payload));
                TypeDescriptor.AddAttributes(typeof(Payload), new DescriptionAttribute("a"));
                break;
            case "process exit":
                AppDomain.CurrentDomain.ProcessExit += (_, _) => s_ofThread = null;
                AppDomain.CurrentDomain.UnhandledException += (_, _) => s_ofThread = null;
                AssemblyLoadContext.Default.Resolving += (_, _) => null;
                TaskScheduler.UnobservedTaskException += (_, _) => s_ofThread = null;
                break;
            case "meter":
                new Meter("behaviours").CreateObservableGauge("number", () => 1);
                break;
            case "meter and handlers":
                Leave("meter", module, stopping);
                Leave("process exit", module, stopping);
                break;
            case "activities":
                ActivitySource.AddActivityListener(new() { ShouldListenTo = _ => false });
                break;
            case "proxy":
                DispatchProxy.Create<IService, Proxy>().Add(1, 2);
                break;
            case "regex":
                new Regex("a+b", RegexOptions.Compiled).IsMatch("aaab");
                break;
            case "thread static":
                s_ofThread = new Payload("a", 1);
                break;
            case "token":
                stopping.Register(() => s_ofThread = null);
                break;
            case "timer":
                s_timer = new Timer(_ => Tick(), null, 0, 100);
                break;
            case "delay":
                _ = WaitAsync(TimeSpan.FromMinutes(10));
                break;
            case "short delay":
                _ = WaitAsync(TimeSpan.FromMilliseconds(300));
                break;
            case "delay of 4 s":
                _ = WaitAsync(TimeSpan.FromSeconds(4));
                break;
            case "nothing":
                break;
            default:
                throw new ArgumentException(trace);
        }
    }

    private static void Tick() => s_timer?.Change(100, 100);

    private static async Task WaitAsync(TimeSpan time)
    {
        await Task.Delay(time).ConfigureAwait(false);
        s_ofThread = null;
    }
}
