// SPDX-License-Identifier: MIT
// What a module declares about itself.
using System;
using System.Linq;
using System.Reflection;

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

    /// <summary>The services of a module's class and of those that it derives from.</summary>
    /// <exception cref="SubscribeException">What one names is no GUID.</exception>
    internal static Guid[] ReadAll(Type module)
    {
        try
        {
            return [.. module.GetCustomAttributes<SubscribeAttribute>(inherit: true)
                .Select(attribute => attribute.Service)];
        }
        catch (FormatException exception)
        {
            throw new SubscribeException(Explain(module), exception);
        }
    }

    /// <summary>The runtime says neither the class nor the text.</summary>
    private static string Explain(Type module)
    {
        for (Type? type = module; type is not null; type = type.BaseType)
        {
            foreach (CustomAttributeData data in type.GetCustomAttributesData())
            {
                if (data.AttributeType == typeof(SubscribeAttribute)
                    && data.ConstructorArguments is [{ Value: string text }]
                    && !Guid.TryParse(text, out _))
                {
                    return $"[Subscribe(\"{text}\")] of {type.FullName} is no GUID";
                }
            }
        }
        return $"a [Subscribe] of {module.FullName} is no GUID";
    }
}

/// <summary>A message for whoever wrote the module.</summary>
internal sealed class SubscribeException(string message, Exception inner)
    : FormatException(message, inner);

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
