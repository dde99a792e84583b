// SPDX-License-Identifier: MIT
// Does to its process what no module should, as it is told; a second one in the process tells what
// it felt of that.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

namespace Rogue;

public sealed class RogueModule : Module, IDisposable
{
    private readonly string? _blocks;

    public RogueModule()
    {
        _blocks = Configuration["Blocks"];
        if (Configuration["Throws"] == "static constructor")
            Broken.Touch();
        if (Configuration["Throws"] == "constructor")
            throw new HostileException();
        BlockIn("constructor");
    }

    /// <summary>One assembly stands for several modules: each has services of its own.</summary>
    protected override IEnumerable<Guid> Services => [Service("Asked")];

    public void Dispose() => BlockIn("Dispose");

    protected override void OnStart()
    {
        BlockIn("OnStart");
        if (Configuration["Culture"] is { } culture)
            CultureInfo.CurrentCulture = new CultureInfo(culture);
    }

    protected override void OnStop()
    {
        BlockIn("OnStop");
        if (Configuration["Leaves"] is { } gate)
            Endings.ThrowOnceGone(gate);
    }

    protected override void OnMessage(in Message message)
    {
        string text = message.Text;
        int end = text.IndexOf(' ');
        string verb = end < 0 ? text : text[..end];
        string rest = end < 0 ? string.Empty : text[(end + 1)..];
        string? answer = Endings.Find(verb) is { } ending ? ending(rest)
            : Streams.Find(verb) is { } stream ? stream(rest)
            : Shared.Find(verb) is { } shared ? shared(rest)
            : verb == "log" ? Log(rest)
            : $"heard {text}";
        if (answer is not null)
            Send(Service("Answered"), answer);
    }

    private string Log(string size)
    {
        string huge = HostileException.Huge(size);
        Logger.LogError(new InvalidDataException(huge), "{Text}", huge);
        return "logged";
    }

    private void BlockIn(string phase)
    {
        if (_blocks == phase)
            Endings.Block();
    }

    private Guid Service(string key) => new(Configuration[key]!);
}

/// <summary>Cannot be used: what initialises its statics throws.</summary>
internal static class Broken
{
    private static readonly int s_parsed = int.Parse("no number");

    public static int Touch() => s_parsed;
}

/// <summary>Whoever wants to know what is wrong with it has two problems.</summary>
public sealed class HostileException : Exception
{
    public override string Message => throw new InvalidOperationException("its message throws");

    public override string? StackTrace => throw new InvalidOperationException("its stack throws");

    /// <summary>Of so many characters, with all that a line of a log must not have.</summary>
    public static string Huge(string size)
    {
        string piece = "huge \0\ud800\r\n\u001b[2J\udc00\"=\\\t\u0085\u2028";
        int count = int.Parse(size, CultureInfo.InvariantCulture);
        return string.Create(count, piece, static (all, some) =>
        {
            for (int i = 0; i < all.Length; i++)
                all[i] = some[i % some.Length];
        });
    }

    public override string ToString() => throw new InvalidOperationException("its text throws");
}
