// SPDX-License-Identifier: MIT
// What the first module will need, made ready on the thread that has nothing else to do.
using System;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Threading;
using System.Threading.Tasks;
using McMaster.NETCore.Plugins.Loader;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// Main waits for the end of the process while another thread loads the first module. Half of that
/// time is the runtime's own: assemblies, the JIT, the resolver of dependencies, reflection. Here
/// it happens beside it.
/// </summary>
internal static class Warmup
{
    private static readonly ManualResetEventSlim s_isReady = new();

    /// <summary>In the order in which a load comes to need it.</summary>
    public static void Run()
    {
        Try(LoadCompiler);
        Try(LoadPlugins);
        Try(Attach);
        s_isReady.Set();
        Try(Reflect);

        // Only most modules need these, so they are not worth another's time.
        if (Environment.ProcessorCount > 1)
            Try(LogAndConfigure);
    }

    /// <summary>What must be there before code of a module runs.</summary>
    public static void WaitUntilReady() => s_isReady.Wait();

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

    /// <summary>A method of this kind is never compiled ahead.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void LoadCompiler()
    {
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
