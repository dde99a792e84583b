// SPDX-License-Identifier: MIT
// The assemblies that module and host share, and what is said to a module that wants later ones.
using System;
using System.Reflection;

namespace UniversalModuleHost.Hosting;

internal static class SharedAssemblies
{
    /// <summary>
    /// Types that module and host exchange must be the same ones, so these are the host's.
    /// </summary>
    private static readonly string[] s_names =
    [
        "UniversalModuleHost.Abstractions",
        "Microsoft.Extensions.Logging.Abstractions",
        "Microsoft.Extensions.Configuration.Abstractions",
        "Microsoft.Extensions.DependencyInjection.Abstractions",
        "Microsoft.Extensions.Hosting.Abstractions",
        "Microsoft.Extensions.FileProviders.Abstractions",
        "Microsoft.Extensions.Diagnostics.Abstractions",
        "Microsoft.Extensions.Primitives",
    ];

    public static ReadOnlySpan<string> Names => s_names;

    public static bool Contains(string? name) => Array.IndexOf(s_names, name) >= 0;

    /// <summary>Null: the host's version will do.</summary>
    /// <param name="who">The module or the program.</param>
    /// <param name="reference">What it was built against.</param>
    /// <param name="mine">The host's version.</param>
    public static string? Explain(string who, AssemblyName reference, Version? mine) =>
        mine is not null && reference.Version is { } wanted && mine < wanted
            ? $"the {who} was built against {reference.Name} {wanted}, this host has {mine}: "
                + $"reference version {mine.Major}.{mine.Minor}.* of it"
            : null;
}
