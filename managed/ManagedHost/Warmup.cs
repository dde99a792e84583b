// SPDX-License-Identifier: MIT
// What the first module will need, made ready on the thread that has nothing else to do.
using System;
using System.Reflection;
using System.Runtime.Loader;
using System.Threading;
using System.Threading.Tasks;
using McMaster.NETCore.Plugins.Loader;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// Main waits for the end of the process while another thread loads the first module. Most of that
/// time is the runtime's own: assemblies, types, the JIT, the resolver of dependencies, reflection.
/// Here it happens beside it, as far as the module refers to what needs it.
/// </summary>
internal static class Warmup
{
    private static readonly ManualResetEventSlim s_isReady = new();
    private static readonly ManualResetEventSlim s_isLoaded = new();
    private static AssemblyName[] s_references = [];

    /// <summary>In the order in which a load comes to need it.</summary>
    public static void Run()
    {
        Try(LoadPlugins);
        Try(Attach);
        s_isReady.Set();
        Try(Reflect);

        // Only most modules need these, so they are not worth another's time.
        if (Environment.ProcessorCount > 1)
            Try(LogAndConfigure);
    }

    /// <summary>Waits until the first module is there, then does what that refers to.</summary>
    public static void Rehearse()
    {
        s_isLoaded.Wait();
        if (Environment.ProcessorCount == 1)
            return;
        if (IsReferredTo("Microsoft.Extensions.DependencyInjection.Abstractions"))
            Try(Rehearsal.UseServices);
        if (IsReferredTo("System.Text.Json"))
            Try(Rehearsal.WriteJson);
    }

    /// <summary>What must be there before code of a module runs.</summary>
    public static void WaitUntilReady() => s_isReady.Wait();

    /// <summary>What a module refers to. That of the first one is made ready.</summary>
    public static void Expect(AssemblyName[] references)
    {
        s_references = references;
        s_isLoaded.Set();
    }

    private static bool IsReferredTo(string name)
    {
        foreach (AssemblyName reference in s_references)
        {
            if (reference.Name == name)
                return true;
        }
        return false;
    }

    private static void Try(Action part)
    {
        try
        {
            part();
        }
        catch (Exception exception)
        {
            HostLog.Write(LogLevel.Debug, null, $"warm-up: {exception}");
        }
    }

    private static void Attach()
    {
        ModuleConsole.Install();
        AppDomain.CurrentDomain.UnhandledException += HostLog.OnUnhandledException;
        AppDomain.CurrentDomain.ProcessExit += HostLog.OnProcessExit;
        TaskScheduler.UnobservedTaskException += HostLog.OnUnobservedException;
    }

    private static void LoadPlugins()
    {
        AssemblyLoadContext context = new AssemblyLoadContextBuilder()
            .SetMainAssemblyPath(typeof(Warmup).Assembly.Location)
            .EnableUnloading()
            .Build();
        context.Unload();
    }

    private static void Reflect()
    {
        typeof(Warmup).Assembly.GetReferencedAssemblies();
        typeof(Module).IsDefined(typeof(SubscribeAttribute), inherit: true);
        typeof(Warmup).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>();
        Activator.CreateInstance(typeof(object));
    }

    private static void LogAndConfigure()
    {
        ModuleConfiguration configuration = new("{\"key\": [\"value\", 1, true]}");

        new ModuleLogger(null, LogLevel.Trace).LogInformation("{Key}", configuration["key:0"]);
    }
}
