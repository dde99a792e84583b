// SPDX-License-Identifier: MIT
// What a module declares about itself.
using System;

namespace UniversalModuleHost;

/// <summary>
/// A service that the module receives from the beginning. May be given several times.
/// </summary>
/// <param name="service">The service's GUID, with or without braces.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class SubscribeAttribute(string service) : Attribute
{
    /// <summary>The service.</summary>
    public Guid Service { get; } = Guid.Parse(service);
}

/// <summary>
/// Names the module of an assembly that has several classes derived from <see cref="Module"/>.
/// </summary>
/// <param name="type">A class with a public constructor without parameters.</param>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class ModuleTypeAttribute(Type type) : Attribute
{
    /// <summary>The class that is the module.</summary>
    public Type Type { get; } = type;
}
