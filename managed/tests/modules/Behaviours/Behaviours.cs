// SPDX-License-Identifier: MIT
// One module, many behaviours: Config says what it does in its constructor, on start and for each
// message.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

namespace Behaviours;

[Subscribe("{11111111-1111-1111-1111-111111111111}")]
[Subscribe("33333333-3333-3333-3333-333333333333")]
public sealed class Behaviour : Module, IDisposable
{
    private static readonly Guid s_answers = new("22222222-2222-2222-2222-222222222222");
    private static readonly AsyncLocal<int> s_local = new();

    private readonly string _onMessage;
    private int _count;

    public Behaviour()
    {
        _onMessage = Configuration["OnMessage"] ?? string.Empty;
        if (Configuration["Constructor"] == "throws")
            throw new InvalidOperationException("the constructor does not like it here");
    }

    public void Dispose() => Logger.LogInformation("disposed");

    protected override void OnStart()
    {
        if (Configuration["OnStart"] is not { } trace)
            return;
        if (trace == "throws")
            throw new InvalidOperationException("the start does not like it here");
        if (trace == "background")
        {
            _ = Task.Run(() => Send(s_answers, "background"));
            return;
        }
        Traces.Leave(trace, this, Stopping);
    }

    protected override ValueTask OnMessageAsync(in Message message) => _onMessage switch
    {
        "async" => AnswerLaterAsync(message.Text),
        "async throws" => ThrowLaterAsync(),
        _ => base.OnMessageAsync(in message),
    };

    protected override void OnMessage(in Message message)
    {
        switch (_onMessage)
        {
            case "throws":
                throw new InvalidOperationException($"message {++_count}");
            case "describe":
                Send(s_answers, $"{message.Service} {message.Session} {message.SourceHost} "
                    + $"{message.SourceSlot} {message.SourceSession} {message.Text.Length}");
                break;
            case "console":
                Console.Write("one ");
                Console.WriteLine(message.Text);
                Console.Error.WriteLine("to the other");
                Console.Write("without an end");
                break;
            case "log":
                Log(message.Text);
                break;
            case "local":
                Send(s_answers, $"{s_local.Value++}");
                break;
            case "configuration":
                IConfiguration nested = Configuration.GetSection("Nested");
                Send(s_answers, $"{Configuration["Nested:List:1"]} {nested["Truth"]}");
                break;
            case "subscribe":
                Subscribe(s_answers);
                Unsubscribe(s_answers);
                break;
            case "identity":
                Send(s_answers, $"{Identity.Name} {Identity.Host} {Identity.HostService} "
                    + $"{Identity.HostNumber} {Identity.Session} {Identity.Slot} {Identity.Folder} "
                    + $"{Identity.OriginalFolder} {MaxMessageBytes}");
                break;
            case "not text":
                Send(s_answers, Send(s_answers, "\uD800 alone").ToString());
                break;
            case "send async":
                SendAsync(s_answers, message.Text).AsTask().Wait();
                break;
            default:
                Send(s_answers, message.Utf8, message.SourceSession);
                break;
        }
    }

    protected override void OnStop() =>
        Logger.LogInformation("stopped, token {Token}", Stopping.IsCancellationRequested);

    private async ValueTask AnswerLaterAsync(string text)
    {
        Send(s_answers, "before");
        await Task.Delay(20).ConfigureAwait(false);
        Send(s_answers, text);
        await SendAsync(s_answers, "after").ConfigureAwait(false);
    }

    private static async ValueTask ThrowLaterAsync()
    {
        await Task.Yield();
        throw new InvalidOperationException("later");
    }

    private void Log(string text)
    {
        using (Logger.BeginScope(new Dictionary<string, object> { ["request"] = 17 }))
        using (Logger.BeginScope("inner scope"))
        {
            EventId alarm = new(5, "Alarm");
            FormatException bad = new("bad");
            Logger.LogWarning(alarm, bad, "it says {Text} {Number}", text, 1.5);
        }
        Logger.LogDebug("below the level");
        Logger.LogInformation("{Broken} and a \0 inside", new Broken());
    }

    private sealed class Broken
    {
        public override string ToString() => throw new NotSupportedException();
    }
}
