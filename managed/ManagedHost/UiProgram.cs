// SPDX-License-Identifier: MIT
// A program's way to its host. The CLR runs this before Main, as a startup hook.
using System;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Microsoft.Extensions.Logging;
using UniversalModuleHost.Hosting;

/// <summary>The CLR knows it by this name, in no namespace.</summary>
internal static class StartupHook
{
    /// <summary>Before anything that needs what lies beside the host.</summary>
    public static void Initialize()
    {
        AssemblyLoadContext.Default.Resolving += FindBesideHost;
        UiProgram.Attach();
    }

    /// <summary>The program has no need to bring what only its host uses.</summary>
    private static Assembly? FindBesideHost(AssemblyLoadContext context, AssemblyName name)
    {
        string folder = Path.GetDirectoryName(typeof(StartupHook).Assembly.Location)!;
        string path = Path.Join(folder, name.Name + ".dll");
        return File.Exists(path) ? context.LoadFromAssemblyPath(path) : null;
    }
}

namespace UniversalModuleHost.Hosting
{
    /// <summary>umh_program_calls: what the host calls.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct NativeProgramCalls
    {
        public const uint CurrentVersion = 1;

        public uint Size;
        public uint Version;
        public delegate* unmanaged[Cdecl]<NativeMessage*, void> OnMessage;
        public delegate* unmanaged[Cdecl]<byte*, byte*, int> Configure;
        public delegate* unmanaged[Cdecl]<void> BeginStop;
    }

    /// <summary>umh_program_start: what a program is given.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct NativeProgramStart
    {
        public const uint CurrentVersion = 1;

        public uint Size;
        public uint Version;
        public NativeStart Host;
        public NativeHost* Table;
        public uint LogLevel;
        public uint Reserved;
        public void* Context;
        public delegate* unmanaged[Cdecl]<void*, NativeProgramCalls*, void> OnAttached;
        public delegate* unmanaged[Cdecl]<void*, byte*, void> OnRefused;
        public delegate* unmanaged[Cdecl]<void*, void> OnEnding;
    }

    /// <summary>
    /// The one program of this process. Its messages go to the handlers it subscribed, as those of
    /// a module do that has nothing else.
    /// </summary>
    internal static unsafe class UiProgram
    {
        /// <summary>UMH_PROGRAM_PROPERTY</summary>
        private const string Property = "UMH_PROGRAM";

        private const int Done = 0;
        private const int Refused = 1;

        private static NativeProgramStart* s_start;
        private static ManagedModule? s_module;

        /// <summary>Returns when Main may begin.</summary>
        public static void Attach()
        {
            s_start = Find();
            Border.Start = &s_start->Host;
            if (ExplainVersions() is { } why)
                Refuse(why);

            string config = ReadConfig();
            ModuleHost host = new(s_start->Table, config, (LogLevel)s_start->LogLevel);
            s_module = new ManagedModule(host, AssemblyLoadContext.Default, typeof(Listener));
            s_module.Construct();
            Flow.Program = host;
            ModuleConsole.Install();
            AppDomain.CurrentDomain.UnhandledException += HostLog.OnUnhandledException;
            AppDomain.CurrentDomain.ProcessExit += static (_, _) => End();
            UniversalModuleHost.ModuleHost.Attach(host);
            Connect(host, config);
        }

        private static NativeProgramStart* Find()
        {
            nint.TryParse(
                AppContext.GetData(Property) as string,
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out nint address);
            NativeProgramStart* start = (NativeProgramStart*)address;
            return start != null && start->Size == sizeof(NativeProgramStart)
                && start->Version == NativeProgramStart.CurrentVersion
                && Border.IsMine(&start->Host)
                ? start
                : throw new InvalidOperationException("ManagedHost.dll is not of this host's version");
        }

        /// <summary>
        /// The contract that the program sees is the host's, whatever it brought: an older one is
        /// no matter. Null: nothing is wrong.
        /// </summary>
        private static string? ExplainVersions()
        {
            AssemblyName mine = typeof(IModuleHost).Assembly.GetName();
            foreach (AssemblyName reference in
                Assembly.GetEntryAssembly()?.GetReferencedAssemblies() ?? [])
            {
                if (reference.Name == mine.Name
                    && SharedAssemblies.Explain("program", reference, mine.Version) is { } why)
                {
                    return why;
                }
            }
            return null;
        }

        private static void Refuse(string why)
        {
            byte* text = stackalloc byte[Border.WhyBytes];
            Border.Put(why, new Span<byte>(text, Border.WhyBytes));
            s_start->OnRefused(s_start->Context, text);
        }

        private static string ReadConfig() =>
            Border.ToText(s_start->Table->Configuration(s_start->Table));

        /// <summary>
        /// From here on there are calls. A <c>Config</c> that came while nobody was there to be
        /// told is read now.
        /// </summary>
        private static void Connect(ModuleHost host, string config)
        {
            NativeProgramCalls calls = new()
            {
                Size = (uint)sizeof(NativeProgramCalls),
                Version = NativeProgramCalls.CurrentVersion,
                OnMessage = &OnMessage,
                Configure = &Configure,
                BeginStop = &BeginStop,
            };
            s_start->OnAttached(s_start->Context, &calls);
            if (ReadConfig() is { } newest && newest != config)
                host.Configure(newest);
        }

        /// <summary>Main has returned, or somebody called Environment.Exit.</summary>
        private static void End()
        {
            s_module!.Host.Console.End();
            s_start->OnEnding(s_start->Context);
        }

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static void OnMessage(NativeMessage* message)
        {
            try
            {
                s_module!.Receive(message);
            }
            catch (Exception exception)
            {
                HostLog.Write(LogLevel.Critical, null, exception.ToString());
            }
        }

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static int Configure(byte* config, byte* why)
        {
            string text = "it does not watch its Config";
            try
            {
                if (s_module!.Configure(Border.ToText(config)))
                    return Done;
            }
            catch (Exception exception)
            {
                text = exception.ToString();
            }
            Border.Put(text, new Span<byte>(why, Border.WhyBytes));
            return Refused;
        }

        /// <summary>The token's callbacks run elsewhere, so this returns at once.</summary>
        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static void BeginStop()
        {
            try
            {
                s_module!.Host.BeginStopping();
            }
            catch (Exception exception)
            {
                HostLog.Write(LogLevel.Critical, null, exception.ToString());
            }
        }

        /// <summary>A module of handlers only.</summary>
        private sealed class Listener : Module;
    }
}
