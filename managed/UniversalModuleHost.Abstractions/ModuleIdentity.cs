// SPDX-License-Identifier: MIT
// Who a module is.
using System;

namespace UniversalModuleHost;

/// <summary>Who a module is and where it lies.</summary>
public sealed record ModuleIdentity
{
    /// <summary>Its name in the configuration.</summary>
    public required string Name { get; init; }

    /// <summary>Its host: the GroupName, or NAME@SESSION.</summary>
    public required string Host { get; init; }

    /// <summary>The host's own service.</summary>
    public Guid HostService { get; init; }

    /// <summary>The host's number: what appears as <see cref="Message.SourceHost"/>.</summary>
    public uint HostNumber { get; init; }

    /// <summary>The session the host is in.</summary>
    public uint Session { get; init; }

    /// <summary>The module's number within its host.</summary>
    public ushort Slot { get; init; }

    /// <summary>Where the loaded copy lies; other files of the module are beside it.</summary>
    public required string Folder { get; init; }

    /// <summary>Where it was copied from; that may have changed or gone since.</summary>
    public required string OriginalFolder { get; init; }
}
