// SPDX-License-Identifier: MIT
// A managed module that does what it is told and answers; built in two versions.
using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

[Subscribe("7e570000-0000-4000-8000-000000000141")]
public sealed class Talker : Module
{
    private static readonly Guid Answers = new("7e570000-0000-4000-8000-000000000142");
    private static readonly Guid Own = new("7e570000-0000-4000-8000-000000000143");
    private static int s_count;

#if NEXT
    private const string Version = "second";
#else
    private const string Version = "first";
#endif

    protected override void OnStart() => Subscribe(Own);

    protected override ValueTask OnMessageAsync(in Message message)
    {
        if (message.Service == Own)
            return Answer($"own {message.Text} from {message.SourceSlot} of {message.SourceHost}");
        return Obey(message.Text);
    }

    private ValueTask Answer(string text) => SendAsync(Answers, text);

    // Until there is no more: an exception of this module, not the end of its process.
    private static string Hog()
    {
        List<byte[]> held = [];
        try
        {
            while (held.Count < 1024)
                held.Add(GC.AllocateUninitializedArray<byte>(1 << 20));
        }
        catch (OutOfMemoryException)
        {
            return $"{held.Count} MiB";
        }
        return "more than 1024 MiB";
    }

    private async ValueTask Obey(string text)
    {
        switch (text)
        {
            case "version":
                await Answer(Version);
                break;
            case "count":
                await Answer($"{++s_count}");
                break;
            case "config":
                await Answer(Configuration["Greeting"] ?? "none");
                break;
            case "who":
                await Answer($"{Identity.Name} {Identity.Host} {Identity.Slot}");
                break;
            case "own":
                await SendAsync(Own, "hello");
                break;
            case "heap":
                await Answer($"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes}");
                break;
            case "hog":
                await Answer(Hog());
                break;
            case "console":
                Console.WriteLine("from the console");
                await Answer("said");
                break;
            case "log":
                Logger.LogWarning("said with {Number}", 42);
                await Answer("logged");
                break;
            case "throw":
                throw new InvalidOperationException("told to throw");
            case "wait":
                await Task.Delay(50); // what is tested: a handler whose task ends later; nobody counts on how long
                await Answer("waited");
                break;
            case "large":
                await Answer(new string('x', MaxMessageBytes));
                break;
            case "too large":
                await Answer(Send(Answers, new string('x', MaxMessageBytes + 1)).ToString());
                break;
            case "not text":
                await Answer(Send(Answers, new byte[] { 0xC0, 0xAF }).ToString());
                break;
            case "control":
                await Answer(Send(new Guid("92d627a3-6c62-4c5b-8477-484a34ed3b82"), "{}").ToString());
                break;
            default:
                await Answer($"heard {text}");
                break;
        }
    }
}
