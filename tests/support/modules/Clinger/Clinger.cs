// SPDX-License-Identifier: MIT
// Answers, and leaves behind what its Config says: something that keeps its load context, or does not.
using System;
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

    private static int s_count;

    protected override void OnStart()
    {
        switch (Configuration["Leaves"])
        {
            case "timer":
                new Timer(OnTimer).Change(s_long, s_long);
                break;
            case "delay":
                _ = WaitAsync();
                break;
            case "thread":
                new Thread(Linger) { IsBackground = true }.Start();
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

    private static async Task WaitAsync()
    {
        await Task.Delay(s_long); // the same, of a delay that is not over
        s_count++;
    }
}
