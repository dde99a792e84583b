// SPDX-License-Identifier: MIT
// What belongs to a context that unloads: types, members and delegates of it.
using System;
using System.Reflection;
using System.Runtime.Loader;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// A type is of the context when it, an element type or a generic argument comes from there.
/// </summary>
internal readonly struct Mine(AssemblyLoadContext context)
{
    public bool Is(object? thing) => thing switch
    {
        null => false,
        Type type => Is(type),
        MemberInfo member => Is(member.DeclaringType) || Is(member.ReflectedType),
        Delegate call => Is(call),
        _ => Is(thing.GetType()),
    };

    private bool Is(Type? type)
    {
        if (type is not { IsCollectible: true })
            return false;
        if (AssemblyLoadContext.GetLoadContext(type.Assembly) == context)
            return true;
        if (type.HasElementType)
            return Is(type.GetElementType());
        if (type.IsGenericType)
        {
            foreach (Type argument in type.GetGenericArguments())
            {
                if (Is(argument))
                    return true;
            }
        }
        return false;
    }

    private bool Is(Delegate call)
    {
        foreach (Delegate one in Delegate.EnumerateInvocationList(call))
        {
            if (Is(one.Method) || Is(one.Target?.GetType()))
                return true;
        }
        return false;
    }
}
