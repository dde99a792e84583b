// SPDX-License-Identifier: MIT
// From a file to a module in a context of its own, or to a sentence that says why not.
using System;
using System.IO;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using McMaster.NETCore.Plugins.Loader;

namespace UniversalModuleHost.Hosting;

/// <summary>Why a file is no module that can be used, for the person who configured it.</summary>
internal sealed class LoadException : Exception
{
    public LoadException(string message)
        : base(message)
    {
    }

    public LoadException(string message, Exception inner)
        : base(message, inner)
    {
    }
}

/// <summary>What the host reports about a module that was loaded.</summary>
internal sealed record ModuleFacts(string Name, string Version);

internal static class ModuleLoader
{
    /// <summary>What lies beside the host for its own use.</summary>
    private static readonly string[] s_own =
    [
        "ManagedHost",
        "McMaster.NETCore.Plugins",
        "Microsoft.Extensions.Configuration",
        "Microsoft.Extensions.DependencyInjection",
        "Microsoft.Extensions.Options",
    ];

    /// <summary>Load and construct. Nothing remains when it throws.</summary>
    /// <exception cref="LoadException">The file cannot be used.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static ManagedModule Load(ModuleHost host, string path, out ModuleFacts facts)
    {
        AssemblyLoadContext context = NewContext(path);
        HostLog.Own(context, host);
        try
        {
            return LoadInto(context, host, path, out facts);
        }
        catch (Exception exception)
        {
            host.Close();
            context.Unload();
            KeptContexts.WatchUnusable(context);
            string why = new LoadFailure(path, host.Identity.OriginalFolder).Explain(exception);
            throw exception is LoadException
                ? new LoadException(why)
                : new LoadException(why, exception);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ManagedModule LoadInto(
        AssemblyLoadContext context, ModuleHost host, string path, out ModuleFacts facts)
    {
        Assembly assembly = context.LoadFromAssemblyPath(path);
        CheckReferences(context, assembly);
        ManagedModule module = new(host, context, FindType(assembly));
        Warmup.WaitUntilReady();
        module.Construct();
        facts = new ModuleFacts(assembly.GetName().Name ?? string.Empty, VersionOf(assembly));
        return module;
    }

    private static AssemblyLoadContext NewContext(string path)
    {
        AssemblyLoadContextBuilder builder = new AssemblyLoadContextBuilder()
            .SetMainAssemblyPath(path)
            .SetDefaultContext(AssemblyLoadContext.Default)
            .IsLazyLoaded(true)
            .EnableUnloading();
        string folder = Path.GetDirectoryName(path) ?? string.Empty;

        // What is not beside the module comes from the host anyway; what is there must be told to
        // yield.
        foreach (string name in SharedAssemblies.Names)
        {
            if (File.Exists(Path.Join(folder, name + ".dll")))
                builder.PreferDefaultLoadContextAssembly(new AssemblyName(name));
        }
        return builder.Build();
    }

    private static void CheckReferences(AssemblyLoadContext context, Assembly assembly)
    {
        AssemblyName[] references = assembly.GetReferencedAssemblies();
        Warmup.Expect(references);
        foreach (AssemblyName reference in references)
        {
            if (!SharedAssemblies.Contains(reference.Name))
            {
                CheckOwner(context, reference);
                continue;
            }
            Version? mine = AssemblyLoadContext.Default
                .LoadFromAssemblyName(new AssemblyName(reference.Name!)).GetName().Version;
            if (SharedAssemblies.Explain("module", reference, mine) is { } why)
                throw new LoadException(why);
        }
    }

    /// <summary>
    /// What a context does not have comes from the host, which would then be bound for ever to what
    /// it uses itself.
    /// </summary>
    private static void CheckOwner(AssemblyLoadContext context, AssemblyName reference)
    {
        // ASP.NET's framework has the same ones for everybody, whichever copy of them is newer.
        if (Array.IndexOf(s_own, reference.Name) < 0 || LoadFailure.HasAspNetCore)
            return;
        string own = Path.Join(AppContext.BaseDirectory, reference.Name + ".dll");
        if (context.LoadFromAssemblyName(reference).Location == own)
            throw new FileNotFoundException(null, reference.FullName);
    }

    private static Type FindType(Assembly assembly)
    {
        if (assembly.IsDefined(typeof(ModuleTypeAttribute)))
        {
            ModuleTypeAttribute named = assembly.GetCustomAttribute<ModuleTypeAttribute>()!;
            return IsModule(named.Type)
                ? named.Type
                : throw new LoadException(
                    $"ModuleType names {named.Type.FullName}, which is no module");
        }
        Type? found = null;
        foreach (Type type in assembly.GetExportedTypes())
        {
            if (!IsModule(type))
                continue;
            if (found is not null)
                throw new LoadException(
                    $"{found.FullName} and {type.FullName} both derive from Module; "
                    + "name one with [assembly: ModuleType(typeof(...))]");
            found = type;
        }
        return found ?? throw new LoadException(
            $"not a module: {assembly.GetName().Name} has no public class that derives from "
            + $"{typeof(Module).FullName}; {LoadFailure.DescribeTypes(assembly, IsModule)}");
    }

    private static bool IsModule(Type type) =>
        type is { IsClass: true, IsAbstract: false, IsGenericTypeDefinition: false }
        && type.IsSubclassOf(typeof(Module));

    private static string VersionOf(Assembly assembly)
    {
        AssemblyInformationalVersionAttribute? named =
            assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>();
        string? version = named?.InformationalVersion ?? assembly.GetName().Version?.ToString();
        return version?.Split('+')[0] ?? string.Empty;
    }
}
