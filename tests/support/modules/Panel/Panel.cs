// SPDX-License-Identifier: MIT
// A program with an event loop and no window: what it is asked it answers on its main thread.
//
//   Config     Begins: "throw" or "return N" instead of an event loop; Deaf: true, and it does not
//              end when it is to stop; Watches: true, and a changed Config needs no reload
//   Asked      "thread", "arguments", "config", "who", "contract", "console": the answer is one
//              text; "refuse": the handler throws; "fall": Main throws; "close N": Main returns N
//   Result     the answers; "began" before the event loop, "stopped" when it was to stop
using System;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

namespace Panel;

internal static class Program
{
    private static readonly Guid s_asked = new("7e570000-0000-4000-8000-000000000251");
    private static readonly Guid s_result = new("7e570000-0000-4000-8000-000000000252");
    private static readonly BlockingCollection<string> s_events = [];

    private static IModuleHost Host => ModuleHost.Current;

    private static int Main(string[] arguments)
    {
        string begins = Host.Configuration["Begins"] ?? string.Empty;
        if (begins == "throw")
            throw new InvalidOperationException("told to throw in Main");
        if (begins.StartsWith("return ", StringComparison.Ordinal))
            return NumberIn(begins);
        if (Host.Configuration["Watches"] is not null)
            Host.Configuration.GetReloadToken();
        Host.SubscribeAsync(s_asked, Hear).AsTask().GetAwaiter().GetResult();
        Tell("began");
        return Loop(arguments);
    }

    private static System.Threading.Tasks.ValueTask Hear(in Message message)
    {
        if (message.Text == "refuse")
            throw new InvalidOperationException("told to throw in a handler");
        s_events.Add(message.Text);
        return default;
    }

    private static int Loop(string[] arguments)
    {
        CancellationToken until =
            Host.Configuration["Deaf"] is null ? Host.Stopping : CancellationToken.None;
        try
        {
            while (true)
            {
                string asked = s_events.Take(until);
                if (asked.StartsWith("close ", StringComparison.Ordinal))
                    return NumberIn(asked);
                Tell(Answer(asked, arguments));
            }
        }
        catch (OperationCanceledException)
        {
            while (s_events.TryTake(out string? asked))
                Tell(Answer(asked, arguments));
            Tell("stopped");
            return 0;
        }
    }

    private static string Answer(string asked, string[] arguments)
    {
        switch (asked)
        {
            case "thread":
                return GetThreadId() == Environment.ProcessId ? "main" : "other";
            case "arguments":
                return string.Join('|', arguments);
            case "config":
                return Host.Configuration["Word"] ?? string.Empty;
            case "who":
                return $"{Host.Identity.Name} in {Host.Identity.Host}";
            case "contract":
                return typeof(IModuleHost).Assembly.Location;
            case "console":
                Console.WriteLine("from the console of a program");
                Host.Logger.LogWarning("a program logs {Number}", 42);
                return "said";
            case "fall":
                throw new InvalidOperationException("told to throw in the loop");
            default:
                return asked;
        }
    }

    private static int NumberIn(string text) => int.Parse(text.Split(' ')[1], null);

    private static void Tell(string text) => Host.Send(s_result, text);

    [DllImport("libc", EntryPoint = "gettid")]
    private static extern int GetThreadId();
}
