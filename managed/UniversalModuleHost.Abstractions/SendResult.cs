// SPDX-License-Identifier: MIT
// What became of a message that was to be sent.
using System;

namespace UniversalModuleHost;

/// <summary>
/// What became of a message that was to be sent. The numbers are those of the native interface.
/// </summary>
public enum SendResult
{
    /// <summary>Accepted: it goes out in order, before the module's stop is complete.</summary>
    Ok = 0,

    /// <summary>No room until the deadline; it was not sent.</summary>
    Full = 1,

    /// <summary>Not well-formed Unicode.</summary>
    NotText = 2,

    /// <summary>Longer than <see cref="IModuleHost.MaxMessageBytes"/>.</summary>
    TooLarge = 3,

    /// <summary>A control service, all services, or another user's session as a destination.</summary>
    NotAllowed = 4,

    /// <summary>The module has not been started yet, or is being stopped.</summary>
    Stopping = 5,

    /// <summary>An argument that means nothing.</summary>
    BadArgument = 6,

    /// <summary>Too many services published to.</summary>
    Limit = 7,

    /// <summary>Out of memory.</summary>
    NoMemory = 8,
}

/// <summary>A message or a subscription that the host did not take.</summary>
public sealed class SendException : InvalidOperationException
{
    /// <summary>For the host.</summary>
    public SendException(SendResult result)
        : base(Explain(result)) => Result = result;

    /// <summary>Why.</summary>
    public SendResult Result { get; }

    private static string Explain(SendResult result) => result switch
    {
        SendResult.Full => "The receivers have no room for the message.",
        SendResult.NotText => "The message is not well-formed Unicode.",
        SendResult.TooLarge => "The message is longer than MaxMessageBytes.",
        SendResult.NotAllowed => "Modules may not publish to this service, or not from here to that session.",
        SendResult.Stopping => "The module has not been started yet or is being stopped.",
        SendResult.Limit => "The limit of services or subscriptions was reached.",
        SendResult.NoMemory => "The host is out of memory.",
        _ => $"The host refused ({result}).",
    };
}
