// SPDX-License-Identifier: MIT
// Answers, and leaves behind what its Config says: something that keeps its load context, or does not.
using System;
using System.Globalization;
using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using UniversalModuleHost;

namespace Clinger;

public sealed record Payload(string Name);

[Subscribe("7e570000-0000-4000-8000-0000000001d1")]
public sealed class ClingerModule : Module
{
    private static readonly Guid s_answers = new("7e570000-0000-4000-8000-0000000001d2");
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(10);

    private static readonly ManualResetEvent s_never = new(false);

    private static int s_count;

    protected override void OnStart()
    {
        switch (Configuration["Leaves"])
        {
            case "timer":
                new Timer(OnTimer).Change(s_long, s_long);
                break;
            case "delay":
                _ = WaitAsync(s_long);
                break;
            case "thread":
                new Thread(Linger) { IsBackground = true, Name = "lingerer" }.Start();
                break;
            case "short":
                _ = WaitAsync(TimeSpan.FromSeconds(double.Parse(Configuration["Seconds"]!, CultureInfo.InvariantCulture)));
                break;
            case "handle":
                GCHandle.Alloc(new Payload("a"));
                break;
            case "wait":
                ThreadPool.RegisterWaitForSingleObject(s_never, OnSignal, null, Timeout.Infinite, executeOnlyOnce: true);
                break;
            case "many":
                new Timer(OnTimer).Change(s_long, s_long);
                new Thread(Linger) { IsBackground = true, Name = "lingerer" }.Start();
                GCHandle.Alloc(new Payload("a"));
                NetworkChange.NetworkAddressChanged += OnAddressChanged;
                ThreadPool.RegisterWaitForSingleObject(s_never, OnSignal, null, Timeout.Infinite, executeOnlyOnce: true);
                _ = WaitAsync(s_long);
                break;
            default:
                JsonSerializer.Serialize(new Payload("a"));
                break;
        }
    }

    protected override void OnMessage(in Message message) => Send(s_answers, $"heard {message.Text}");

    private static void OnTimer(object? state) => s_count++;

    private static void Linger()
    {
        Thread.Sleep(s_long); // no test waits for its end: a thread that lives is what holds the module
        s_count++;
    }

    private static async Task WaitAsync(TimeSpan time)
    {
        await Task.Delay(time); // the same, of a delay that is not over
        s_count++;
    }

    private static void OnSignal(object? state, bool isLate) => s_count++;

    private static void OnAddressChanged(object? sender, EventArgs arguments) => s_count++;
}
