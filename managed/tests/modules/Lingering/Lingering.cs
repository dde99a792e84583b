// SPDX-License-Identifier: MIT
// Does, when it starts, the one thing that its Config names, and leaves it as it is.
using System;
using System.Collections.Generic;
using System.Threading;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

namespace Lingering;

public sealed record Payload(string Name, int Number);

public interface ICalculator
{
    int Add(int one, int other);
}

public sealed class LingeringModule : Module
{
    private static readonly AsyncLocal<Payload?> s_local = new();

    private static int s_count;

    protected override void OnStart()
    {
        string what = Configuration["Use"] ?? "nothing";
        switch (what)
        {
            case "nothing":
                break;
            case "logger":
                Logger.LogWarning("{Payload}", new Payload("a", 1));
                break;
            case "token":
                Stopping.Register(() => s_count++);
                break;
            case "async local":
                s_local.Value = new Payload("a", 1);
                break;
            default:
                Find(what)();
                break;
        }
    }

    private static Action Find(string what)
    {
        Dictionary<string, Action>[] all = [Libraries.All, Runtime.All, Running.All];
        foreach (Dictionary<string, Action> some in all)
        {
            if (some.TryGetValue(what, out Action? found))
                return found;
        }
        throw new ArgumentException(what);
    }
}
