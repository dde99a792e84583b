// SPDX-License-Identifier: MIT
// Passes each message on as it is; a few words it obeys. It has no handler with tasks.
using System;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using UniversalModuleHost;

public sealed class Plain : Module
{
    private static readonly Guid s_answers = new("22222222-2222-2222-2222-222222222222");
    private static readonly AsyncLocal<int> s_watched = new(change => s_now = change.CurrentValue);

    private static int s_now;

    protected override void OnMessage(in Message message)
    {
        if (message.Utf8.SequenceEqual("throw"u8))
            throw new InvalidOperationException("as asked");
        if (message.Utf8.SequenceEqual("write"u8))
            Console.WriteLine("written");
        else if (message.Utf8.SequenceEqual("leave"u8))
            LeaveAll();
        else if (message.Utf8.SequenceEqual("leave values"u8))
            LeaveValues();
        else if (message.Utf8.SequenceEqual("later"u8))
            Task.Run(() => Send(s_answers, "later"));
        else
            Send(s_answers, message.Utf8, message.SourceSession);
    }

    /// <summary>Says what it found of what a thread has, and leaves something else.</summary>
    private void LeaveValues()
    {
        CultureInfo other = (CultureInfo)CultureInfo.InvariantCulture.Clone();

        Send(s_answers, $"{-1} {s_watched.Value} {s_now} {SynchronizationContext.Current is null}");
        other.NumberFormat.NegativeSign = "minus ";
        CultureInfo.CurrentCulture = other;
        s_watched.Value = 7;
    }

    private void LeaveAll()
    {
        LeaveValues();
        SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
        ExecutionContext.SuppressFlow();
    }
}
