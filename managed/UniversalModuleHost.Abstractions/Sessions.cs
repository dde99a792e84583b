// SPDX-License-Identifier: MIT
// Sessions that have a name.
namespace UniversalModuleHost;

/// <summary>Numbers of sessions with a meaning of their own.</summary>
public static class Sessions
{
    /// <summary>The broker's own session.</summary>
    public const uint Broker = 0;

    /// <summary>Every session.</summary>
    public const uint Any = 0xFFFFFFFF;
}
